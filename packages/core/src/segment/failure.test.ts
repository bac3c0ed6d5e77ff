import { busEvent } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import { VERSION } from "../events/events.ts";
import { failure } from "./failure.ts";

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
const metadata = { "request-id": "r-1", "request-time": 1_700_000_000_000 };

describe("a failure", () => {
  test("has the error, the step's detail and the event's id and time", () => {
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

  test("of a request repeats it in full, up to 256 KiB as JSON", () => {
    const overhead = JSON.stringify({ request: { ...request, filler: "" }, ...metadata }).length;
    const sized = (length: number) => ({
      request: { ...request, filler: "x".repeat(length - overhead) },
      ...metadata,
    });
    const largest = sized(256 * 1024);
    expect(rejected(largest)).toBe(largest);
    expect(rejected(sized(256 * 1024 + 1))).toStrictEqual({ request, ...metadata });
  });

  test("of a larger request keeps the short identifying fields", () => {
    const filler = "x".repeat(300_000);
    const odd = {
      ...request,
      "table-name": "x".repeat(2048),
      "bucket-name": "x".repeat(2049),
      "bucket-prefix": ["backups"],
      filler,
    };
    expect(rejected({ request: odd, ...metadata, "request-time": "2026-11-01T02:00:00Z" })).toStrictEqual({
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

  test("of a message that is not JSON keeps the beginning of its text", () => {
    const { request } = rejected({ request: "x".repeat(300_000), ...metadata }) as { request: string };
    expect(request).toMatch(/^x{1000}/);
    expect(request.length).toBeLessThanOrEqual(2048);
  });

  test.each([[null], [undefined]])("of a large detail whose request is %j has an empty request", (odd) => {
    expect(rejected({ request: odd, filler: "x".repeat(300_000), ...metadata })).toStrictEqual({
      request: {},
      ...metadata,
    });
  });

  test("of a request event without a detail has no detail either", () => {
    expect(rejected(undefined)).toBeUndefined();
  });
});
