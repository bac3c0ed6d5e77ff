import { expect, test } from "vitest";
import { waitForStreamMs } from "./new-stream.ts";

const arn =
  "arn:aws:dynamodb:us-east-1:111111111111:table/ferry-beta-backup-table/stream/2026-11-27T00:45:11.123";
const createdMs = Date.UTC(2026, 10, 27, 0, 45, 11, 123);

test.each([
  ["at once", 0, 150_000],
  ["after a minute", 60_000, 90_000],
  ["just before the end", 149_999, 1],
  ["at the end", 150_000, 0],
  ["a year later", 365 * 24 * 3_600_000, 0],
  ["with a clock that is an hour late", -3_600_000, 150_000],
])("given a deploy %s, it waits for the rest of 150 s", (_when, ageMs, waitMs) => {
  expect(waitForStreamMs(arn, createdMs + ageMs)).toBe(waitMs);
});

test("an ARN without a time is an error", () => {
  expect(() => waitForStreamMs("arn:aws:dynamodb:us-east-1:111111111111:table/t", 0)).toThrow(
    "does not end with its creation time",
  );
});
