import { expect, test } from "vitest";
import { isoOf, msOf } from "./time.ts";

test("ISO 8601 times are converted to milliseconds and back", () => {
  expect(isoOf(1_700_000_000_123)).toBe("2023-11-14T22:13:20.123Z");
  expect(msOf("2023-11-14T22:13:20.123Z")).toBe(1_700_000_000_123);
  expect(msOf("2023-11-14T22:13:20Z")).toBe(1_700_000_000_000);
});

test("a text that is not a time is NaN", () => {
  expect(msOf("yesterday")).toBeNaN();
});
