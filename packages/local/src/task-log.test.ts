import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { expect, test } from "vitest";
import { LOGGED_TYPES, taskLogLine } from "./task-log.ts";

const eventOf = (type: string, detail: EventEnvelope["detail"] = {}): EventEnvelope => ({
  version: "0",
  id: "e",
  "detail-type": type,
  source: "ferry",
  account: "000000000000",
  time: "2026-01-01T00:00:00Z",
  region: "us-east-1",
  resources: [],
  detail,
});
const task = { id: "us-east-1-songs@1", action: "backup" };

test("the events that end a task and refused controls are logged", () => {
  expect(LOGGED_TYPES.toSorted()).toEqual([
    "TaskCancelled",
    "TaskControlRefused",
    "TaskFailed",
    "TaskRejected",
    "TaskSucceeded",
  ]);
});

test.each([
  [
    eventOf("TaskSucceeded", { task, reason: "", "transferred-items": 3 }),
    "TaskSucceeded: backup us-east-1-songs@1: 3 items",
  ],
  [
    eventOf("TaskFailed", { task, reason: "segment 0: it fell over", "transferred-items": 3 }),
    "TaskFailed: backup us-east-1-songs@1: segment 0: it fell over",
  ],
  [
    eventOf("TaskRejected", {
      cause: "invalid-request",
      "event-id": "r",
      error: {
        operation: "TaskRequested",
        resource: "request",
        message: "action is missing.",
        hint: "Add action.",
      },
    }),
    "TaskRejected: event r: invalid-request: TaskRequested request: action is missing. Add action.",
  ],
  [
    eventOf("TaskRejected", { cause: "attempts-exhausted", "event-id": "r" }),
    "TaskRejected: event r: attempts-exhausted",
  ],
  [
    eventOf("TaskControlRefused", {
      control: "cancel",
      cause: "no-such-task",
      reason: "no task has this row in the backup-table.",
      hint: "Take key from the row.",
      asked: { task: { action: "backup", key: "us-east-1-songs", timestamp: 1 } },
    }),
    "TaskControlRefused: cancel of backup us-east-1-songs@1: no-such-task: no task has this row in the backup-table. Take key from the row.",
  ],
  [
    eventOf("TaskControlRefused", { control: "retry", cause: "invalid-request", reason: "r.", hint: "h." }),
    "TaskControlRefused: retry: invalid-request: r. h.",
  ],
  [eventOf("TaskFailed", { task: "x", reason: null }), "TaskFailed:  :  items"],
  [eventOf("TaskRejected", { error: 5 }), "TaskRejected: event : : :"],
])("event %# is logged as one line", (event, line) => expect(taskLogLine(event)).toBe(line));
