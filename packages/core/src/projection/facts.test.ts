import { describe, expect, test } from "vitest";
import { noCounts, VERSION } from "../events.ts";
import { busEvent, somePlan, someTask } from "../testing/tasks.ts";
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
const about = { row: task, time, attempt: 2 };

describe("a step's event as a fact", () => {
  test.each<[string, object, object]>([
    [
      "TaskAccepted",
      { version: VERSION, task, plan, attempt: 2, ...deadline, segments: [3] },
      { kind: "accepted", ...about, plan },
    ],
    ["SegmentQueued", work, { kind: "queued", ...about, segment: 3, counts, plan }],
    ["SegmentProgressed", { ...work, handoff: false }, { kind: "progressed", ...about, segment: 3, counts }],
    ["SegmentCompleted", segment, { kind: "completed", ...about, segment: 3, counts, plan }],
    ["TaskFinished", { version: VERSION, task, attempt: 2, items: 20 }, { kind: "finished", ...about }],
  ])("%s", (type, detail, fact) => {
    expect(factOf(busEvent(type, detail))).toStrictEqual(fact);
  });
});

describe("an operator's cancel", () => {
  const { action, key, timestamp } = task;
  const read = (detail: object) => factOf(busEvent("TaskCancelRequested", detail));

  test("names a row by its key and timestamp, which a template may have made a string", () => {
    const fact = { kind: "cancel", row: { action, key, timestamp }, time, attempt: 1 };
    expect(read({ task: { action, key, timestamp } })).toStrictEqual(fact);
    expect(read({ task: { action, key, timestamp: String(timestamp) }, attempt: "3" })).toStrictEqual({
      ...fact,
      attempt: 3,
    });
  });

  test("has the request-id where it is given", () => {
    const named = { action, key, timestamp, "request-id": "r-1" };
    expect(read({ task: named })?.row).toStrictEqual(named);
  });

  test("that cannot be read says which field it is", () => {
    expect(() => read({ task: { action, key } })).toThrow("task.timestamp is required but missing");
  });
});

describe("a failure", () => {
  const error = {
    operation: "Scan",
    resource: "table cities",
    message: "does not exist.",
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
  const text = "no-such-table: Scan table cities: does not exist. Check it.";
  const cause = "no-such-table";

  test("of a segment tells where a restore's stood, and the plan", () => {
    const work = { ...segment, cursor: { file: 2, line: 7 } };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).toStrictEqual({
      kind: "failed",
      ...about,
      segment: 3,
      counts,
      plan,
      cursor: { file: 2, line: 7 },
      cause,
      text,
    });
  });

  test("of a segment of which little is known tells just that", () => {
    const work = { task, attempt: 2, segment: 3 };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).toStrictEqual({
      kind: "failed",
      ...about,
      segment: 3,
      counts: noCounts,
      cause,
      text,
    });
  });

  test("of a backup's segment tells no place: its archive does", () => {
    const work = { ...segment, cursor: { batch: 4 } };
    expect(factOf(busEvent("SegmentFailed", failure("SegmentQueued", work)))).not.toHaveProperty("cursor");
  });

  test.each([
    ["TaskAccepted", { plan }],
    ["TaskFinishing", {}],
  ])("of the step %s breaks the attempt, with the plan where that is the acceptance's", (step, known) => {
    const work = { task: { ...task, timestamp: String(task.timestamp) }, plan, attempt: "2" };
    expect(factOf(busEvent("TaskStepFailed", failure(step, work)))).toStrictEqual({
      kind: "stepFailed",
      ...about,
      cause,
      text,
      ...known,
    });
  });

  test("of an acceptance without a plan tells none", () => {
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

  test("of an acceptance whose plan cannot be read is refused by the plan's field", () => {
    const work = { task, attempt: 2, plan: { request: { action: "backup" } } };
    expect(() => factOf(busEvent("TaskStepFailed", failure("TaskAccepted", work)))).toThrow(
      "detail.work.plan.",
    );
  });

  test("of a retry belongs to no attempt, unless its backup has lost its prefix", () => {
    const retried = (cause: string) =>
      factOf(busEvent("TaskStepFailed", failure("TaskRetryRequested", { task, attempt: 2 }, { cause })));
    expect(retried("no-such-table")).toBeUndefined();
    expect(retried("prefix-taken")).toMatchObject({ kind: "stepFailed", attempt: 2, cause: "prefix-taken" });
  });

  test("of a message that no worker could process says so", () => {
    const { error: _, ...given } = failure("TaskFinishing", { task, attempt: 2 });
    expect(factOf(busEvent("TaskStepFailed", { ...given, cause: "attempts-exhausted" }))).toMatchObject({
      text: expect.stringMatching(/^attempts-exhausted: TaskFinishing was tried until its attempts ran out/),
    });
  });

  test("has a text of 600 characters at most", () => {
    const long = failure(
      "TaskFinishing",
      { task, attempt: 2 },
      { error: { ...error, message: "x".repeat(900) } },
    );
    const fact = factOf(busEvent("TaskStepFailed", long)) as { text: string };
    expect(fact.text).toHaveLength(600);
  });

  test("of a request has the row of its task, and none without one", () => {
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

describe("the fields of a rejected request that its row shows", () => {
  const named = { action: "backup", "table-region": "us-east-1", "table-name": "cities" };
  const shown = (request: object) => {
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

  test.each([[null], ["text"], [7], [undefined]])("are none where it is %j", (request) => {
    expect(shown(request as never)).toEqual({});
  });

  test("are strings, finite numbers and booleans", () => {
    const plain = { ...named, "total-segments": 4, "consistent-read": false, note: "" };
    const odd = { a: null, b: [1], c: { d: 1 }, e: Number.NaN, f: undefined };
    expect(shown({ ...plain, ...odd })).toStrictEqual(plain);
  });

  test("are as many as 32 KiB hold, each that fits", () => {
    // As JSON an entry has its name, its value and six characters more, with two quotes each.
    const taken = Object.entries(named).reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    const largest = 32 * 1024 - taken - JSON.stringify(["note", ""]).length;
    expect(shown({ ...named, note: "x".repeat(largest) })).toHaveProperty("note");
    expect(shown({ ...named, note: "x".repeat(largest + 1), more: "fits" })).toStrictEqual({
      ...named,
      more: "fits",
    });
  });
});

test("a type that is no fact is refused by its name", () => {
  expect(() => factOf(busEvent("TaskSucceeded", {}))).toThrow(/^TaskSucceeded is no fact/);
});
