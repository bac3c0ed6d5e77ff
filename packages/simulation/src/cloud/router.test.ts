/**
 * Tests of the topology: where events, messages and row changes are delivered.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { newTaskRow, type TaskRow } from "@ferry/core/projection/status";
import { identify } from "@ferry/core/request/task";
import {
  callerTypes,
  consumers,
  inputTemplate,
  physicalName,
  pipes,
  queues,
  routes,
  tables,
  workerTable,
} from "@ferry/core/topology";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRouter } from "./router.ts";

const { announced, reported, routed } = createRouter();

const task = (action: string) => ({ action, "request-id": "r-1" });
const event = (type: string, detail: object, source = "ferry"): BusEvent => ({
  id: "event-1",
  time: "2026-11-01T02:00:00Z",
  source,
  "detail-type": type,
  detail,
});
/** The queues of an event, each with the `failsAs` of its message. */
const delivered = (type: string, detail: object, source?: string) =>
  routed(event(type, detail, source)).map(({ queue, body }) => [queue, JSON.parse(body).failsAs]);

const actions = ["backup", "restore", "copy", 7, null, {}, [], ["restore"], ["copy", "x"]];
const someAction = fc.option(fc.constantFrom(...actions), { nil: undefined });
const level = (inner: fc.Arbitrary<unknown>) =>
  fc
    .record({
      action: someAction,
      request: fc.oneof(inner, fc.constantFrom(undefined, "text", 1, null)),
      eventSource: fc.constantFrom(undefined, undefined, "aws:sqs"),
    })
    .map((fields) => JSON.parse(JSON.stringify(fields)) as object);

test("a TaskRequested of any shape is delivered once, to the worker that can answer it", () =>
  fc.assert(
    fc.property(level(level(level(fc.constant({})))), (detail) => {
      // A list of actions is delivered to each worker that it names.
      if (/\[[^\]]/.test(JSON.stringify(detail))) return;
      const identity = identify(detail, event("TaskRequested", detail));
      const action = identity.message === undefined ? identity.action : "backup";
      expect(delivered("TaskRequested", detail)).toEqual([[`${action}-queue`, "TaskRejected"]]);
    }),
    { numRuns: 250 },
  ));

describe.each(["backup", "restore"] as const)("of a %s", (action) => {
  const worker = `${action}-queue`;
  const facts = ["projection-queue", undefined];
  const own = { task: task(action) };

  test.each<[string, object, unknown[][]]>([
    ["TaskRequested", { request: { action } }, [[worker, "TaskRejected"]]],
    ["TaskRequested", { action }, [[worker, "TaskRejected"]]],
    ["TaskRequested", { eventSource: "aws:sqs", body: { action } }, [["backup-queue", "TaskRejected"]]],
    ["TaskRetryRequested", own, [[worker, "TaskStepFailed"]]],
    ["TaskCancelRequested", own, [facts]],
    ["TaskAccepted", own, [[worker, "TaskStepFailed"], facts]],
    ["TaskRejected", own, [facts]],
    ["SegmentQueued", own, [[worker, "SegmentFailed"], facts]],
    ["SegmentProgressed", { ...own, handoff: true }, [[worker, "SegmentFailed"], facts]],
    ["SegmentProgressed", { ...own, handoff: false }, [facts]],
    ["SegmentCompleted", own, [facts]],
    ["SegmentFailed", own, [facts]],
    ["TaskStepFailed", own, [facts]],
    ["TaskFinishing", own, [[worker, "TaskStepFailed"]]],
    ["TaskFinished", own, [facts]],
    ["TaskSucceeded", own, []],
    ["TaskFailed", own, []],
    ["TaskCancelled", own, []],
  ])("%s with %j is delivered to %j", (type, detail, expected) => {
    expect(delivered(type, detail)).toEqual(expected);
  });

  test("only the event types of callers are accepted from another source", () => {
    const detail = { ...own, request: { action }, handoff: true };
    const types = new Set(
      Object.values(routes).flatMap(({ pattern }) => pattern["detail-type"] as readonly string[]),
    );
    const taken = [...types].filter((type) => delivered(type, detail, "my.system").length > 0);
    expect(taken.sort()).toEqual([...callerTypes].sort());
  });
});

test.each([
  ["TaskRequested", { request: { action: "move" } }, "TaskRejected"],
  ["TaskRequested", { request: {} }, "TaskRejected"],
  ["TaskRetryRequested", { task: { action: "move" } }, "TaskStepFailed"],
  ["TaskRetryRequested", { task: {} }, "TaskStepFailed"],
])("%s with %j, which names no action, is delivered to the backup's worker", (type, detail, failsAs) => {
  expect(delivered(type, detail, "my.system")).toEqual([["backup-queue", failsAs]]);
});

test("a message holds the whole event", () => {
  const sent = event("TaskAccepted", { task: task("backup"), plan: { a: [1, "x"] } });
  for (const { body } of routed(sent)) expect(JSON.parse(body).event).toEqual(sent);
  expect(inputTemplate({ pattern: {}, queue: "projection-queue" })).toBe('{"event":<aws.events.event.json>}');
});

test.each(Object.entries(routes))(
  "%s: the messages of workers are grouped by request or by task",
  (_, route) => {
    const isRequest = (route.pattern["detail-type"] as readonly string[])[0]!.endsWith("Requested");
    const group = isRequest ? "$.id" : "$.detail.task.request-id";
    expect(route.messageGroup).toBe(route.queue === "projection-queue" ? undefined : group);
  },
);

describe("a queue", () => {
  test.each(Object.entries(queues))("%s has the right dead-letter queue", (name, { deadLetters }) => {
    const isWorkers = name === "backup-queue" || name === "restore-queue";
    expect(deadLetters).toBe(isWorkers ? "redrive-queue" : name.replace("-queue", "-dead-letters"));
  });

  test("is consumed by a function or a Pipe", () => {
    const consumed = [
      ...Object.values(consumers).map(({ queue }) => queue),
      ...Object.values(pipes).flatMap(({ from }) => ("queue" in from ? [from.queue] : [])),
    ];
    expect(consumed.sort()).toEqual(Object.keys(queues).sort());
  });
});

test("a dead letter is reported as the failure that it names, with its step", () => {
  const sent = event("SegmentQueued", { task: task("backup"), segment: 3 });
  const [message] = routed(sent);
  expect(reported(message!.body)).toEqual({
    "detail-type": "SegmentFailed",
    detail: {
      version: 1,
      cause: "attempts-exhausted",
      step: "SegmentQueued",
      work: sent.detail,
      "event-id": "event-1",
      time: sent.time,
    },
  });
});

describe("a row's change", () => {
  const row = (change: Partial<TaskRow>): TaskRow => ({
    ...newTaskRow(
      {
        action: "backup",
        key: "us-east-1-cities",
        timestamp: 1_700_000_000_123,
        id: "us-east-1-cities@1700000000123-0123456789abcdef",
        "request-id": "r-1",
      },
      "2026-11-01T02:00:00Z",
    ),
    accepted: true,
    total: 2,
    request: {
      "table-region": "us-east-1",
      "table-name": "cities",
      "bucket-region": "eu-west-1",
      "bucket-name": "archives",
      "bucket-prefix": "backups/one",
    },
    ...change,
  });
  const running = row({ completed: [0], batches: 1, items: 10, bytes: 100 });
  const finishing = row({ completed: [0, 1], batches: 2, items: 20, bytes: 200 });

  test.each<[string, Partial<TaskRow>]>([
    ["TaskFinishing", { completed: [0, 1] }],
    ["TaskSucceeded", { completed: [0, 1], finished: true }],
    ["TaskFailed", { failedStepAttempt: 1 }],
    ["TaskCancelled", { failedStepAttempt: 1, cancelledAttempt: 1 }],
  ])("to that state is announced as %s, also for a new row", (type, change) => {
    for (const action of ["backup", "restore"] as const) {
      const after = { ...row(change), action };
      expect(announced({ before: { ...running, action }, after })?.["detail-type"]).toBe(type);
      expect(announced({ after })?.["detail-type"]).toBe(type);
      // Announced once: other changes in that state are not announced.
      expect(announced({ before: after, after: { ...after, rev: 9 } })).toBeUndefined();
    }
  });

  test.each<[string, TaskRow]>([
    ["running", running],
    ["cancelling", row({ cancelledAttempt: 1 })],
    ["rejected", row({ accepted: false, rejected: true })],
  ])("to %s is not announced", (_, after) => {
    expect(announced({ after })).toBeUndefined();
  });

  test("is announced with the fields that listeners and the next step need", () => {
    const plan = { "total-segments": 2, request: { action: "backup" } } as TaskRow["plan"] & object;
    expect(announced({ before: running, after: { ...finishing, plan } })?.detail).toMatchObject({
      version: 1,
      task: {
        id: "us-east-1-cities@1700000000123-0123456789abcdef",
        action: "backup",
        key: "us-east-1-cities",
        timestamp: 1_700_000_000_123,
        "request-id": "r-1",
      },
      attempt: 1,
      state: "finishing",
      reason: "",
      "table-region": "us-east-1",
      "table-name": "cities",
      "bucket-region": "eu-west-1",
      "bucket-name": "archives",
      "bucket-prefix": "backups/one",
      "total-segments": 2,
      "completed-segments": 2,
      "failed-segments": 0,
      "transferred-batches": 2,
      "transferred-items": 20,
      "transferred-bytes": 200,
      plan: { S: JSON.stringify(plan) },
    });
    expect(announced({ after: { ...finishing, action: "restore" } })?.detail).toMatchObject({
      task: { action: "restore" },
    });
  });
});

test("a request from the request queue is its whole message", () => {
  expect(pipes["requests"]).toEqual({
    from: { queue: "request-queue" },
    detailType: "TaskRequested",
    types: ["TaskRequested"],
  });
});

test("the key of a status table is key and timestamp, that of the segment table is task and segment", () => {
  const row = { hash: { name: "key", type: "S" }, range: { name: "timestamp", type: "N" }, stream: true };
  const record = { hash: { name: "task", type: "S" }, range: { name: "segment", type: "N" }, stream: false };
  expect(tables).toEqual({ "backup-table": row, "restore-table": row, "segment-table": record });
  expect(workerTable).toEqual({ name: "worker-table", hash: { name: "key", type: "S" }, expires: "expires" });
});

test("a physical name contains the stage", () => {
  expect(physicalName("test", "bus")).toBe("ferry-test");
  expect(physicalName("test", "backup-queue")).toBe("ferry-test-backup-queue");
});
