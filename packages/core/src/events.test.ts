import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { cancelSchema, finishingSchema, inWords, parseMessage, retrySchema } from "./events.ts";
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

describe("a number in an operator's event", () => {
  const read = (timestamp: unknown) => {
    const parsed = v.safeParse(retrySchema, { task: { action: "backup", key: "k", timestamp } });
    return parsed.success ? parsed.output.task.timestamp : undefined;
  };

  test.each([
    [0, 0],
    [1_700_000_000_123, 1_700_000_000_123],
    ["1700000000123", 1_700_000_000_123],
    ["0", 0],
    ["12345678901234567", undefined],
    ["x1", undefined],
    ["1x", undefined],
    ["", undefined],
    [1.5, undefined],
    [-1, undefined],
    [null, undefined],
  ])("%j is read as %s", (given, number) => {
    expect(read(given)).toBe(number);
  });
});

test("an operator's task has the id of its row, and a cancel is the first attempt's unless it says otherwise", () => {
  const task = { action: "restore", key: "k", timestamp: "17" };
  const named = { action: "restore", key: "k", timestamp: 17, id: "k@17" };
  expect(v.parse(cancelSchema, { task })).toStrictEqual({ task: named, attempt: 1 });
  expect(v.parse(cancelSchema, { task, attempt: "2" })).toStrictEqual({ task: named, attempt: 2 });
});

test("what is wrong with an operator's event is told field by field", () => {
  const { issues } = v.safeParse(retrySchema, { task: { action: "backup", key: "", timestamp: -1 } });
  expect(inWords(issues!)).toMatch(/^task\.key: .+; task\.timestamp: .+/);
  expect(inWords(v.safeParse(retrySchema, 7).issues!)).toMatch(/^detail: /);
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
