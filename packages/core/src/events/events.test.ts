import { busEvent } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { parseMessage } from "./events.ts";

describe("a queue's message", () => {
  const event = busEvent("SegmentQueued", { segment: 3 });

  test.each(["TaskRejected", "SegmentFailed", "TaskStepFailed", undefined])(
    "has its event and its failure type: %s",
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
  ])("with the body %s is refused", (body) => {
    expect(() => parseMessage(body)).toThrow();
  });
});
