import { somePlan, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { RestorePlan } from "../events/events.ts";
import {
  announcementOf,
  isEnded,
  newTaskRow,
  REJECTED,
  type Reason,
  rankOf,
  reasonsOf,
  type SegmentRecord,
  stateOf,
  type TaskRow,
  type TaskState,
  transferred,
} from "./status.ts";

const task = { action: "backup", key: "us-east-1-cities", timestamp: 1_700_000_000_123 } as const;
const time = "2026-11-01T02:00:00Z";
const row = (change: Partial<TaskRow> = {}): TaskRow => ({
  ...newTaskRow(task, time),
  accepted: true,
  total: 4,
  attempt: 2,
  ...change,
});

describe("a new task's row", () => {
  test("is in the first attempt, with nothing done", () => {
    expect(newTaskRow(task, time)).toMatchObject({
      ...task,
      rev: 0,
      accepted: false,
      rejected: false,
      finished: false,
      attempt: 1,
      cancelledAttempt: 0,
      failedStepAttempt: 0,
      completed: [],
      reasons: [],
      updatedTime: time,
    });
    expect(stateOf(newTaskRow(task, time))).toBe("requested");
  });

  test("has a request-id if its first fact has one", () => {
    expect(newTaskRow(task, time)).not.toHaveProperty("request-id");
    expect(newTaskRow({ ...task, "request-id": "r-1" }, time)["request-id"]).toBe("r-1");
  });
});

test.each<[TaskState, boolean, string | undefined]>([
  ["requested", false, undefined],
  ["rejected", true, undefined],
  ["running", false, undefined],
  ["cancelling", false, undefined],
  ["finishing", false, "TaskFinishing"],
  ["succeeded", true, "TaskSucceeded"],
  ["failed", true, "TaskFailed"],
  ["cancelled", true, "TaskCancelled"],
])("the state %s: ended: %s; announced as %s", (state, ended, announcement) => {
  expect(isEnded(state)).toBe(ended);
  expect(announcementOf(state)).toBe(announcement);
});

describe("the state", () => {
  test.each<[TaskState, Partial<TaskRow>]>([
    ["running", { reannounce: true, finished: true }],
    ["succeeded", { finished: true, failedStepAttempt: 2 }],
    ["requested", { accepted: false }],
    ["rejected", { accepted: false, rejected: true }],
    ["failed", { completed: [0, 1, 2, 3], failedStepAttempt: 2 }],
    ["finishing", { completed: [0, 1, 2, 3], failedStepAttempt: 1 }],
    ["failed", { failedStepAttempt: 2 }],
    ["failed", { failedStepAttempt: 3 }],
    ["running", { failedStepAttempt: 1 }],
    ["cancelled", { failedStepAttempt: 2, cancelledAttempt: 2 }],
    ["cancelling", { cancelledAttempt: 2 }],
    ["cancelling", { cancelledAttempt: 3 }],
    ["running", { cancelledAttempt: 1 }],
    ["failed", { completed: [0, 1], failed: { 2: 2, 3: 3 } }],
    ["cancelled", { completed: [0, 1], failed: { 2: 2, 3: 2 }, cancelledAttempt: 2 }],
    // A failure of an earlier attempt does not count.
    ["running", { completed: [0, 1], failed: { 2: 1, 3: 2 } }],
  ])("is %s of a row in attempt 2 of 4 segments with %j", (state, change) => {
    expect(stateOf(row(change))).toBe(state);
  });
});

describe("the state of a series with the segments 0 to 1, 2 to 3", () => {
  const single = somePlan(someTask("a", "restore"), 4) as RestorePlan;
  const plan = { ...single, increments: [{ ...single.manifest, segments: 2 }] };

  test.each<[string, Partial<TaskRow>]>([
    ["running", { completed: [0] }],
    // The segments of the second window are not queued.
    ["failed", { completed: [0], failed: { 1: 2 } }],
    ["cancelled", { completed: [0], failed: { 1: 2 }, cancelledAttempt: 2 }],
    ["running", { completed: [0], failed: { 1: 1 } }],
    ["running", { completed: [0, 1] }],
    ["cancelling", { completed: [0, 1], cancelledAttempt: 2 }],
    ["failed", { completed: [0, 1, 2], failed: { 3: 2 } }],
    ["running", { completed: [0, 1], failed: { 3: 2 } }],
    // The completion of segment 1 is projected after the end of the second window.
    ["running", { completed: [0, 2], failed: { 3: 2 } }],
    ["finishing", { completed: [0, 1, 2, 3] }],
  ])("is %s in attempt 2 with %j", (state, change) => {
    expect(stateOf(row({ plan, total: 4, ...change }))).toBe(state);
  });
});

test("the transferred counts include those of complete and of failed segments", () => {
  const segmentCheckpoints = {
    1: { batches: 1, items: 10, bytes: 100 },
    3: { batches: 2, items: 20, bytes: 200, skipped: 2, matched: 3 },
  };
  const counts = { batches: 4, items: 40, bytes: 400, skipped: 5, matched: 6 };
  expect(transferred(row({ ...counts, segmentCheckpoints }))).toEqual({
    batches: 7,
    items: 70,
    bytes: 700,
    skipped: 7,
    matched: 9,
  });
  expect(transferred(row(counts))).toEqual(counts);
});

describe("the reasons of a row", () => {
  const own: Reason = { attempt: 2, cause: "x", text: "the task" };
  const refusal: Reason = { attempt: REJECTED, cause: "x", text: "the request" };
  const segment: Reason = { attempt: 2, segment: 1, cause: "x", text: "one segment" };

  test.each<[string, string[], Partial<TaskRow>]>([
    ["the task's own, of its last failed step", ["the task"], { failedStepAttempt: 2, reasons: [own] }],
    ["not the task's own, of an earlier failed step", [], { failedStepAttempt: 3, reasons: [own] }],
    ["a rejected request's", ["the request"], { accepted: false, rejected: true, reasons: [refusal] }],
    ["not a rejected duplicate's", [], { rejected: true, reasons: [refusal] }],
    [
      "the task's own of its first attempt, but not a rejected duplicate's",
      ["the task"],
      { attempt: 1, failedStepAttempt: 1, rejected: true, reasons: [{ ...own, attempt: 1 }, refusal] },
    ],
    ["a segment's", ["segment 1: one segment"], { failed: { 1: 2 }, reasons: [segment] }],
    ["not those of a segment that has not failed", [], { reasons: [segment] }],
    ["not those of a segment's earlier failure", [], { failed: { 1: 3 }, reasons: [segment] }],
    [
      "not those of segments in an earlier attempt of the task",
      [],
      { attempt: 3, failed: { 1: 2 }, reasons: [segment] },
    ],
    [
      "the names of failed segments, if the row does not list their reasons",
      ["segment 1: Its record in the segment-table has the reason."],
      { total: 2, completed: [0], failed: { 1: 2 }, reasons: [{ ...segment, segment: 0 }] },
    ],
    [
      "none if the task succeeded",
      [],
      { finished: true, failedStepAttempt: 2, failed: { 1: 2 }, reasons: [own, segment] },
    ],
  ])("are %s", (_, texts, change) => {
    expect(reasonsOf(row(change))).toEqual(texts);
  });
});

test("the reason of a cancelled task is one sentence, before those of segments that failed for another cause", () => {
  const stopped = (segment: number, cause: string) => ({
    attempt: 2,
    segment,
    cause,
    text: `${cause}: because.`,
  });
  const cancelled = {
    attempt: 2,
    total: 3,
    failed: { 0: 2, 1: 2, 2: 2 },
    cancelledAttempt: 2,
    reasons: [stopped(0, "cancelled"), stopped(1, "no-such-table"), stopped(2, "cancelled")],
  };
  expect(reasonsOf(row(cancelled))).toEqual([
    "Attempt 2 was cancelled; a retry continues where it stopped.",
    "segment 1: no-such-table: because.",
  ]);
  expect(reasonsOf(row({ ...cancelled, cancelledAttempt: 1 }))).toHaveLength(3);
});

describe("the first reason of a restore that created its table", () => {
  const plan = { ...somePlan(someTask("k", "restore")), created: { "table-file": { md5: "m", etag: "e" } } };
  const reason = { attempt: 1, segment: 0, cause: "c", text: "because." };
  const ended = { attempt: 1, total: 1, failed: { 0: 1 }, reasons: [reason], plan } as const;
  const stays =
    "This restore created table copies in eu-west-1. The table stays: retry the task, or delete the table.";

  test("says that the table stays, also if the task was cancelled", () => {
    expect(reasonsOf(row(ended))).toEqual([`segment 0: because. ${stays}`]);
    const cancelled = { ...ended, cancelledAttempt: 1, reasons: [{ ...reason, cause: "cancelled" }] };
    expect(reasonsOf(row(cancelled))).toEqual([
      `Attempt 1 was cancelled; a retry continues where it stopped. ${stays}`,
    ]);
  });

  test("does not say it while the task runs, nor of a table that existed", () => {
    const { created: _, ...existing } = plan;
    expect(reasonsOf(row({ ...ended, total: 2 }))).toEqual(["segment 0: because."]);
    expect(reasonsOf(row({ ...ended, plan: existing }))).toEqual(["segment 0: because."]);
  });
});

test("records sort by rank: complete, attempt, failed, batches, items, handoffs, units, throttled calls, time", () => {
  const record = (change: Partial<SegmentRecord>): SegmentRecord => ({
    task: "task-1",
    segment: 0,
    state: "running",
    attempt: 1,
    batches: 0,
    items: 0,
    bytes: 0,
    updatedTime: time,
    ...change,
  });
  const ascending = [
    record({}),
    record({ usage: { units: 0, throttles: 0, ms: 1 } }),
    record({ usage: { units: 0, throttles: 9, ms: 0 } }),
    record({ usage: { units: 0, throttles: 10, ms: 0 } }),
    record({ usage: { units: 9, throttles: 0, ms: 0 } }),
    record({ usage: { units: 10, throttles: 0, ms: 0 } }),
    record({ handoffs: 1 }),
    record({ items: 9 }),
    record({ items: 10 }),
    record({ batches: 9, items: 1 }),
    record({ batches: 10 }),
    record({ state: "failed" }),
    record({ state: "failed", batches: 1 }),
    record({ attempt: 9 }),
    record({ attempt: 10 }),
    record({ state: "completed" }),
    record({ state: "completed", batches: 1 }),
    record({ state: "completed", attempt: 2 }),
  ].map(rankOf);
  expect(ascending).toEqual([...ascending].sort());
  expect(new Set(ascending).size).toBe(ascending.length);
  expect(rankOf(record({ state: "failed", attempt: 2, batches: 3, items: 4 }))).toBe(
    "0.000002.1.00000003.00000000000004.00000000.00000000000000.0000000000.00000000000000",
  );
});
