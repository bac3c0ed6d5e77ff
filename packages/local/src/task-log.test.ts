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

test("an event is logged as one line", () => {
  const event = eventOf("TaskSucceeded", { task, reason: "", "transferred-items": 3 });
  expect(taskLogLine(event)).toBe("TaskSucceeded: us-east-1-songs@1: backup, 3 items");
});

test("an event of any shape is logged", () => {
  expect(taskLogLine(eventOf("TaskFailed", { task: "x", reason: null }))).toBe("TaskFailed: : , ? items");
});
