import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { finishingSchema, parseMessage } from "./events.ts";
import { busEvent } from "./testing/tasks.ts";

describe("a queue's message", () => {
  const event = busEvent("SegmentQueued", { segment: 3 });

  test.each(["TaskRejected", "SegmentFailed", "TaskStepFailed", undefined])(
    "holds its event, and what it fails as: %s",
    (failsAs) => {
      const message = { ...(failsAs !== undefined && { failsAs }), event };
      expect(parseMessage(JSON.stringify(message))).toStrictEqual(message);
    },
  );

  test.each([
    "{",
    "{}",
    '{"event":{}}',
    JSON.stringify({ failsAs: "TaskFailed", event }),
    ...Object.keys(event)
      .filter((field) => field !== "detail")
      .map((field) => JSON.stringify({ event: { ...event, [field]: 7 } })),
  ])("of %s is refused", (body) => {
    expect(() => parseMessage(body)).toThrow();
  });
});

test("an announcement is read with its plan, which is JSON in a string attribute", () => {
  const detail = {
    task: { id: "k@17", action: "backup", key: "k", timestamp: 17, "request-id": "r-1" },
    attempt: 1,
    "transferred-items": "20",
    "transferred-bytes": "300",
    plan: { S: '{"total-segments":4}' },
  };
  expect(v.parse(finishingSchema, detail)).toEqual({
    ...detail,
    "transferred-items": 20,
    "transferred-bytes": 300,
    plan: { "total-segments": 4 },
  });
  expect(v.safeParse(finishingSchema, { ...detail, plan: { NULL: true } }).success).toBe(false);
});
