import { describe, expect, test } from "vitest";
import { permanent } from "./errors.ts";
import { VERSION } from "./events.ts";
import { failure } from "./failure.ts";
import { busEvent } from "./testing/tasks.ts";

const error = permanent("invalid-request", {
  operation: "read request",
  resource: "request",
  message: "action is required but missing.",
  hint: "Correct it.",
});

const request = {
  action: "backup",
  "table-region": "us-east-1",
  "table-name": "cities",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "backups/one",
  "total-segments": 4,
};
const about = { "request-id": "r-1", "request-time": 1_700_000_000_000 };

describe("a failure", () => {
  test("says what went wrong, with which step, and of which event", () => {
    const event = busEvent("SegmentQueued", { segment: 3, filler: "x".repeat(300_000) });
    expect(failure("SegmentFailed", event, error)).toStrictEqual({
      type: "SegmentFailed",
      detail: {
        version: VERSION,
        cause: "invalid-request",
        error: {
          operation: "read request",
          resource: "request",
          message: "action is required but missing.",
          hint: "Correct it.",
          retryable: false,
        },
        step: "SegmentQueued",
        work: event.detail,
        "event-id": event.id,
        time: event.time,
      },
    });
  });

  const rejected = (detail: unknown) =>
    (failure("TaskRejected", busEvent("TaskRequested", detail), error).detail as { work: unknown }).work;

  test("of a request tells it back whole, up to a quarter of a MiB as JSON", () => {
    const overhead = JSON.stringify({ request: { ...request, filler: "" }, ...about }).length;
    const sized = (length: number) => ({
      request: { ...request, filler: "x".repeat(length - overhead) },
      ...about,
    });
    const largest = sized(256 * 1024);
    expect(rejected(largest)).toBe(largest);
    expect(rejected(sized(256 * 1024 + 1))).toStrictEqual({ request, ...about });
  });

  test("of a larger request keeps what names its task, where that is short", () => {
    const filler = "x".repeat(300_000);
    const odd = {
      ...request,
      "table-name": "x".repeat(2048),
      "bucket-name": "x".repeat(2049),
      "bucket-prefix": ["backups"],
      filler,
    };
    expect(rejected({ request: odd, ...about, "request-time": "2026-11-01T02:00:00Z" })).toStrictEqual({
      request: {
        action: "backup",
        "table-region": "us-east-1",
        "table-name": "x".repeat(2048),
        "bucket-region": "eu-west-1",
        "total-segments": 4,
      },
      "request-id": "r-1",
      "request-time": "2026-11-01T02:00:00Z",
    });
  });

  test.each([[null], ["a text"], [undefined]])(
    "of a larger request that is %j keeps no field of it",
    (odd) => {
      expect(rejected({ request: odd, filler: "x".repeat(300_000), ...about })).toStrictEqual({
        request: {},
        ...about,
      });
    },
  );

  test("of a request without a detail tells that it has none", () => {
    expect(rejected(undefined)).toBeUndefined();
  });
});
