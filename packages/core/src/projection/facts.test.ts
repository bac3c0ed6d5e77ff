import { busEvent, somePlan, someTask } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { noCounts, VERSION } from "../events/events.ts";
import { factOf } from "./facts.ts";

const task = someTask("eu-west-1-archives-backups/one", "restore");
const plan = somePlan(task);
const counts = { batches: 1, items: 20, bytes: 300 };
const time = busEvent("", {}).time;
const segment = { version: VERSION, task, plan, attempt: 2, segment: 3, counts };
const deadline = { "deadline-ms": 1_793_541_600_000 };
const work = {
  ...segment,
  ...deadline,
  cursor: { file: 0, line: 0 },
  handoffs: 0,
  "handoffs-without-progress": 0,
};
const use = { handoffs: 4, usage: { units: 12, throttles: 1, ms: 2500 } };
const common = { row: task, time, attempt: 2 };

describe("a step's event is read as a fact:", () => {
  test.each<[string, object, object]>([
    [
      "TaskAccepted",
      { version: VERSION, task, plan, attempt: 2, ...deadline, segments: [3] },
      { kind: "accepted", ...common, plan },
    ],
    ["SegmentQueued", work, { kind: "queued", ...common, segment: 3, counts, plan }],
    [
      "SegmentProgressed",
      { ...work, handoff: false },
      { kind: "progressed", ...common, segment: 3, counts, plan, cursor: work.cursor, handoffs: 0 },
    ],
    ["SegmentCompleted", segment, { kind: "completed", ...common, segment: 3, counts, plan }],
    [
      "SegmentCompleted",
      { ...segment, ...use },
      { kind: "completed", ...common, segment: 3, counts, plan, ...use },
    ],
    [
      "TaskFinishing",
      {
        version: VERSION,
        task,
        attempt: 2,
        "transferred-items": 20,
        "transferred-bytes": 300,
        plan: { S: JSON.stringify(plan) },
        counted: { items: 7, segments: 2, next: 1, open: [], idle: 0 },
      },
      { kind: "finishing", ...common, plan },
    ],
    ["TaskFinished", { version: VERSION, task, attempt: 2, items: 20 }, { kind: "finished", ...common }],
  ])("%s", (type, detail, fact) => {
    expect(factOf(busEvent(type, detail))).toStrictEqual(fact);
  });
});

describe("an operator's cancel", () => {
  const { action, key, timestamp } = task;
  const read = (detail: object) => factOf(busEvent("TaskCancelRequested", detail));

  test("names a row by key and timestamp, which may be a string from a template", () => {
    const fact = { row: { action, key, timestamp }, time };
    const named = { task: { action, key, timestamp: String(timestamp) }, attempt: "3" };
    expect(read(named)).toStrictEqual({ kind: "cancel", ...fact, attempt: 3 });
    expect(read({ task: { action, key, timestamp } })).toStrictEqual({ kind: "cancelCurrent", ...fact });
  });

  test("has the request-id if it is given", () => {
    const named = { action, key, timestamp, "request-id": "r-1" };
    expect(read({ task: named })?.row).toStrictEqual(named);
  });

  test("that is invalid causes an error that names the field", () => {
    expect(() => read({ task: { action, key } })).toThrow("task.timestamp is required but missing");
  });
});

describe("a failure", () => {
  const error = {
    operation: "Scan",
    resource: "table cities",
    message: "The table cities does not exist.",
    hint: "Check it.",
    retryable: false,
  };
  const failure = (step: string, work: unknown, more: object = {}) => ({
    version: VERSION,
    cause: "no-such-table",
    step,
    work,
    "event-id": "event-9",
    time: "2026-11-01T01:00:00Z",
    error,
    ...more,
  });
  const text = "no-such-table: The table cities does not exist. Check it.";
  const cause = "no-such-table";

  test("of a restore's segment has its cursor and the plan", () => {
    const work = { ...segment, cursor: { file: 2, line: 7 } };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).toStrictEqual({
      kind: "failed",
      ...common,
      segment: 3,
      counts,
      plan,
      cursor: { file: 2, line: 7 },
      cause,
      text,
    });
  });

  test("of a segment without counts, cursor and plan has no counts", () => {
    const work = { task, attempt: 2, segment: 3 };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).toStrictEqual({
      kind: "failed",
      ...common,
      segment: 3,
      counts: noCounts,
      cause,
      text,
    });
  });

  test("of a backup's segment has no cursor, since the archive shows its position", () => {
    const work = { ...segment, cursor: { batch: 4 } };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).not.toHaveProperty("cursor");
  });

  test.each([
    ["TaskAccepted", { plan }],
    ["TaskFinishing", {}],
  ])("of the step %s fails the attempt, and has the plan if the step is the acceptance", (step, known) => {
    const work = { task: { ...task, timestamp: String(task.timestamp) }, plan, attempt: "2" };
    expect(factOf(busEvent("TaskStepFailed", failure(step, work)))).toStrictEqual({
      kind: "stepFailed",
      ...common,
      cause,
      text,
      ...known,
    });
  });

  test("of an acceptance without a plan has none", () => {
    const fact = factOf(busEvent("TaskStepFailed", failure("TaskAccepted", { task, attempt: 2 })));
    expect(fact).not.toHaveProperty("plan");
  });

  test.each([
    ["TaskStepFailed", { attempt: 2 }, "detail.work.task is required but missing"],
    ["TaskStepFailed", { task }, "detail.work.attempt is required but missing"],
    ["TaskStepFailed", { task, attempt: 0 }, "detail.work.attempt must be >=1: got 0"],
    ["SegmentFailed", { task, attempt: 1 }, "detail.work.segment is required but missing"],
    ["SegmentFailed", null, "detail.work must be Object: got null"],
    [
      "SegmentFailed",
      { ...work, counts: { ...counts, items: "x" } },
      "detail.work.counts.items must be number",
    ],
  ])("%s of %j is refused: %s", (type, work, message) => {
    expect(() => factOf(busEvent(type, failure("TaskFinishing", work)))).toThrow(message);
  });

  test("of an acceptance with an invalid plan causes an error that names the plan's field", () => {
    const work = { task, attempt: 2, plan: { request: { action: "backup" } } };
    expect(() => factOf(busEvent("TaskStepFailed", failure("TaskAccepted", work)))).toThrow(
      "detail.work.plan.",
    );
  });

  test("of a retry is not a fact, unless the backup's prefix is taken or the restore's table was used", () => {
    const retried = (cause: string) =>
      factOf(busEvent("TaskStepFailed", failure("TaskRetryRequested", { task, attempt: 2 }, { cause })));
    expect(retried("no-such-table")).toBeUndefined();
    for (const cause of ["prefix-taken", "table-used"])
      expect(retried(cause)).toMatchObject({ kind: "stepFailed", attempt: 2, cause });
  });

  test("of a message whose attempts ran out has a text that names the step", () => {
    const { error: _, ...withoutError } = failure("TaskFinishing", { task, attempt: 2 });
    expect(
      factOf(busEvent("TaskStepFailed", { ...withoutError, cause: "attempts-exhausted" })),
    ).toMatchObject({
      text: expect.stringMatching(/^attempts-exhausted: TaskFinishing failed until its attempts ran out/),
    });
  });

  test("has a text of at most 600 characters", () => {
    const long = failure(
      "TaskFinishing",
      { task, attempt: 2 },
      { error: { ...error, message: "x".repeat(900) } },
    );
    const fact = factOf(busEvent("TaskStepFailed", long)) as { text: string };
    expect(fact.text).toHaveLength(600);
  });

  test("of a request has the row of its task, and is not a fact without a task", () => {
    const request = { action: "backup", "table-region": "us-east-1", "table-name": "cities" };
    const rejected = failure("TaskRequested", { request }, { task });
    expect(factOf(busEvent("TaskRejected", rejected))).toMatchObject({
      kind: "rejected",
      row: task,
      cause,
      text,
    });
    expect(factOf(busEvent("TaskRejected", failure("TaskRequested", { request })))).toBeUndefined();
  });
});

describe("the fields of a rejected request in its row", () => {
  const named = { action: "backup", "table-region": "us-east-1", "table-name": "cities" };
  const fieldsOf = (request: object) => {
    const failure = {
      version: VERSION,
      cause: "invalid-request",
      task,
      step: "TaskRequested",
      "event-id": "e",
      time,
      work: { request },
    };
    return (factOf(busEvent("TaskRejected", failure)) as { request: object }).request;
  };

  test.each([[null], ["text"], [7], [undefined]])("are none if the request is %j", (request) => {
    expect(fieldsOf(request as never)).toEqual({});
  });

  test("are strings, finite numbers and booleans", () => {
    const plain = { ...named, "total-segments": 4, "consistent-read": false, note: "" };
    const odd = { a: null, b: [1], c: { d: 1 }, e: Number.NaN, f: undefined };
    expect(fieldsOf({ ...plain, ...odd })).toStrictEqual(plain);
  });

  test("are those that fit 32 KiB", () => {
    // As JSON an entry has its quoted name and value, brackets and a comma.
    const taken = Object.entries(named).reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    const largest = 32 * 1024 - taken - JSON.stringify(["note", ""]).length;
    expect(fieldsOf({ ...named, note: "x".repeat(largest) })).toHaveProperty("note");
    expect(fieldsOf({ ...named, note: "x".repeat(largest + 1), more: "fits" })).toStrictEqual({
      ...named,
      more: "fits",
    });
  });
});

test("a type that is not a fact causes an error that names it", () => {
  expect(() => factOf(busEvent("TaskSucceeded", {}))).toThrow(/^TaskSucceeded is not a fact/);
});
