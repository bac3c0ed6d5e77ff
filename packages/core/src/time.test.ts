import { expect, test } from "vitest";
import { isoOf, msOf } from "./time.ts";

test("times are those of ISO 8601, there and back", () => {
  expect(isoOf(1_700_000_000_123)).toBe("2023-11-14T22:13:20.123Z");
  expect(msOf("2023-11-14T22:13:20.123Z")).toBe(1_700_000_000_123);
  expect(msOf("2023-11-14T22:13:20Z")).toBe(1_700_000_000_000);
});

test("what is no time is NaN", () => {
  expect(msOf("yesterday")).toBeNaN();
});
