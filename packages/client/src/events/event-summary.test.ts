import { eventPages } from "@ferry/core/testing/event-examples";
import { expect, test } from "vitest";
import { concerns, type EventType, eventTypes, summarize } from "./event-summary.ts";

const ID = "us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65";
const eventOf = (type: string, detail: unknown = eventPages[type as EventType].example) => ({
  id: "e1",
  time: "2026-11-23T02:00:00Z",
  source: "ferry",
  "detail-type": type,
  detail,
});

test("every type of event has a line", () => {
  const lines = eventTypes.map((type) => {
    const { task, text } = summarize(eventOf(type));
    return `${type}: ${task}: ${text}`;
  });
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "TaskRequested: nightly-1: backup, orders in us-east-1 → s3://archives/{table}/{date}T{time}
    TaskCancelRequested: us-east-1-orders@1795399200123: backup, attempt 1
    TaskRetryRequested: us-east-1-orders@1795399200123: backup
    TaskAccepted: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: backup, attempt 1, 2 segments
    TaskRejected: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: no-such-table: Scan on table orders in us-east-1 failed: ResourceNotFoundException: Requested resource not found. Check table-name and table-region, and that the table is ACTIVE.
    SegmentQueued: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: segment 1, attempt 1
    SegmentProgressed: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: segment 1: 4,200 items in 3 files, handed off
    SegmentCompleted: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: segment 1: 4,200 items in 3 files
    SegmentFailed: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: segment 1: no-such-table: Scan on table orders in us-east-1 failed: ResourceNotFoundException: Requested resource not found. Check table-name and table-region, and that the table is ACTIVE.
    TaskStepFailed: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: TaskFinishing: attempts-exhausted
    TaskFinishing: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: backup, 8,400 items
    TaskFinished: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: 8,400 items
    TaskSucceeded: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: backup, 8,400 items
    TaskFailed: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: backup, segment 1: no-such-table: Scan on table orders in us-east-1 failed: ResourceNotFoundException: Requested resource not found.
    TaskCancelled: us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65: backup, Attempt 1 was cancelled; a retry continues where it stopped.
    TaskControlRefused: us-east-1-orders@1795399200123: retry: not-retryable: The task has succeeded. Only a task that was accepted and has not succeeded can be retried. Take key, timestamp and action from the task's row in the status table. The nearest rows: backup us-east-1-orders@1795399200123 (succeeded)."
  `);
});

test("a message of request-queue has the line of its request; a text that is not a request is shown", () => {
  const { request } = eventPages.TaskRequested.example as { request: object };
  const of = (body: string) =>
    summarize(eventOf("TaskRequested", { eventSource: "aws:sqs", messageId: "m-1", body }));
  expect(of(JSON.stringify(request))).toEqual({
    task: "m-1",
    text: "backup, orders in us-east-1 → s3://archives/{table}/{date}T{time}",
  });
  expect(of("please")).toEqual({ task: "m-1", text: 'a text that is not a request: "please"' });
});

test.each(eventTypes)("%s: the lines of the documented examples have no gaps", (type) => {
  const { task, text } = summarize(eventOf(type));
  expect(task).not.toBe("");
  expect(text).toMatch(/\w/);
  expect(text).not.toMatch(/undefined|\?|^[,:]/);
});

test.each([[undefined], [null], ["text"], [{ task: "x", work: 5, error: [], counts: null, request: null }]])(
  "a detail of %j has a line, too",
  (detail) => {
    for (const type of [...eventTypes, "Other"]) {
      const event = { ...eventOf("TaskFinished"), "detail-type": type, detail };
      expect(typeof summarize(event).text).toBe("string");
    }
  },
);

test("a control that names only the row concerns the task with that row", () => {
  expect(concerns(eventOf("TaskCancelRequested"), ID)).toBe(true);
  expect(concerns(eventOf("TaskControlRefused"), ID)).toBe(true);
  expect(concerns(eventOf("TaskCancelRequested"), "us-east-1-orders@1795399200")).toBe(false);
});

test("a request concerns its request-id; without one, the id of its event", () => {
  expect(concerns(eventOf("TaskRequested"), "nightly-1")).toBe(true);
  expect(concerns(eventOf("TaskRequested", { request: {} }), "e1")).toBe(true);
  expect(concerns(eventOf("TaskRequested"), "e1")).toBe(false);
  const work = { request: {}, "request-id": "nightly-2" };
  expect(concerns(eventOf("TaskRejected", { work, "event-id": "e0" }), "nightly-2")).toBe(true);
  expect(concerns(eventOf("TaskRejected", { work: {}, "event-id": "e0" }), "e0")).toBe(true);
});

test("no event concerns an empty id", () => {
  for (const type of eventTypes) expect(concerns(eventOf(type, {}), "")).toBe(false);
});
