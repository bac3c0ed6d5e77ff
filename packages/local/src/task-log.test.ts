import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";
import { expect, test } from "vitest";
import { NEWS, taskLogLine } from "./task-log.ts";

const said = (type: string, detail: EventEnvelope["detail"] = {}): EventEnvelope => ({
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

test("how a task ends is news, and nothing else is", () => {
  expect(NEWS.toSorted()).toEqual(["TaskCancelled", "TaskFailed", "TaskRejected", "TaskSucceeded"]);
});

test.each([
  [
    said("TaskSucceeded", { task, reason: "", "transferred-items": 3 }),
    "TaskSucceeded: backup us-east-1-songs@1: 3 items",
  ],
  [
    said("TaskFailed", { task, reason: "segment 0: it fell over", "transferred-items": 3 }),
    "TaskFailed: backup us-east-1-songs@1: segment 0: it fell over",
  ],
  [
    said("TaskRejected", {
      cause: "invalid-request",
      "event-id": "r",
      error: {
        operation: "TaskRequested",
        resource: "request",
        message: "action is missing.",
        hint: "Ask again.",
      },
    }),
    "TaskRejected: event r: invalid-request: TaskRequested request: action is missing. Ask again.",
  ],
  [
    said("TaskRejected", { cause: "attempts-exhausted", "event-id": "r" }),
    "TaskRejected: event r: attempts-exhausted",
  ],
])("%#: one line", (event, line) => expect(taskLogLine(event)).toBe(line));
