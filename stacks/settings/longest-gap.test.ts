import { expect, test } from "vitest";
import { longestGapMinutes } from "./longest-gap.ts";

const HOUR = 60;
const DAY = 24 * HOUR;

test.each([
  ["rate(1 minute)", 1],
  ["rate(12 hours)", 12 * HOUR],
  ["rate(3 days)", 3 * DAY],
  ["cron(0 2 * * ? *)", DAY],
  ["cron(0/15 * * * ? *)", 15],
  ["cron(30 1,13 * * ? *)", 12 * HOUR],
  ["cron(0 8,20 * * ? *)", 12 * HOUR],
  ["cron(0 6,9 * * ? *)", 21 * HOUR],
  ["cron(0 2 ? * MON-FRI *)", 3 * DAY],
  ["cron(0 2 ? * 2-6 *)", 3 * DAY],
  ["cron(0 2 ? * 1 *)", 7 * DAY],
  ["cron(0 9-17 ? * MON-FRI *)", 2 * DAY + 16 * HOUR],
  ["cron(0 2 1 * ? *)", 31 * DAY],
  ["cron(0 2 L * ? *)", 31 * DAY],
  ["cron(0 2 ? * 2#1 *)", 35 * DAY],
  ["cron(0 2 1 1 ? *)", 366 * DAY],
  ["cron(0 2 29 2 ? *)", 4 * 366 * DAY - 3 * DAY],
  ["cron(0 2 * * ? 2026-2030)", DAY],
  ["cron(0 2 15W * ? *)", 32 * DAY],
  ["cron(0 2 ? * 6L *)", 35 * DAY],
])("the longest gap of %s is %d minutes", (expression, minutes) => {
  expect(longestGapMinutes(expression)).toBe(minutes);
});

test.each(["cron(0 2 1 1 ? 2026)", "cron(0 2 31 2 ? *)"])(
  "the expression %s, which runs once or never, has no gap",
  (expression) => {
    expect(longestGapMinutes(expression)).toBeUndefined();
  },
);
