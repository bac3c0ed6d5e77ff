import { expect, test } from "vitest";
import { durationRange, money, seconds, size, timeOnDay } from "./format.ts";

test.each([
  [0, "0s"],
  [41, "41s"],
  [60, "1m"],
  [7500, "2h 5m"],
  [7205, "2h"],
  [90_000, "1d 1h"],
])("%i s is %s", (value, text) => {
  expect(seconds(value)).toBe(text);
});

test.each([
  [undefined, "?"],
  [[0, 0.5], "seconds"],
  [[0.2, 1.2], "about 1s"],
  [[1, 60], "1s to 1m"],
] as const)("the range %j is %s", (range, text) => {
  expect(durationRange(range)).toBe(text);
});

test("a time of the same day has no date", () => {
  expect(timeOnDay("2026-11-23T02:00:05.250Z", "2026-11-23T23:00:00.000Z")).toBe("02:00:05");
  expect(timeOnDay("2026-11-24T02:00:05.250Z", "2026-11-23T23:00:00.000Z")).toBe("2026-11-24 02:00");
});

test("sizes have decimal units, and prices no false precision", () => {
  expect([size(999), size(1_250_000)]).toEqual(["999 B", "1.3 MB"]);
  expect([money(undefined), money(0), money(0.004), money(1.5)]).toEqual(["?", "$0", "< $0.01", "$1.50"]);
});
