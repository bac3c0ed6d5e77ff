/** The longest time between two runs of a schedule, derived from its expression. */
import { Cron } from "croner";

const UNIT_MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1_440 };
const DAY_MINUTES = 1_440;
const DAY_MS = DAY_MINUTES * 60_000;
/** Runs are searched in these years: long enough for a leap day, and fixed, so that a graph does not depend on the date. */
const FROM = new Date("2024-01-01T00:00:00Z");
const TO = new Date("2036-01-01T00:00:00Z");

/** The gaps of earlier calls: a gap takes some 0.1 s, and settings are parsed often. */
const known = new Map<string, number | undefined>();

/**
 * The longest gap between two runs of a valid `rate()` or `cron()` expression, minutes; undefined if it has fewer than two
 * runs. The clock changes of daylight saving time, an hour at most, are not included. Throws if a field's value cannot be
 * used.
 */
export function longestGapMinutes(expression: string): number | undefined {
  if (!known.has(expression)) known.set(expression, gapOf(expression));
  return known.get(expression);
}

function gapOf(expression: string): number | undefined {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (unit !== undefined) return Number(value) * UNIT_MINUTES[unit]!;
  const [minutes, hours, ...days] = expression.slice("cron(".length, -1).split(" ");
  const times = runs(`0 ${minutes} ${hours} * * *`, FROM, new Date(FROM.getTime() + DAY_MS)).map(
    (time) => (time - FROM.getTime()) / 60_000,
  );
  const [dayOfMonth, month, dayOfWeek, year] = days;
  const midnights = runs(`0 0 0 ${dayOfMonth} ${month} ${dayOfWeek} ${year}`, FROM, TO);
  if (times.length === 0 || midnights.length === 0 || times.length * midnights.length < 2) return undefined;
  const overnight = times[0]! - times.at(-1)!;
  return Math.max(...gaps(times), ...gaps(midnights).map((gapMs) => gapMs / 60_000 + overnight));
}

/**
 * The times of all runs, ms. It accepts `0/15` as AWS does. Croner's `?` has another meaning, and its weekdays must be numbered
 * as AWS does: 1 is Sunday.
 */
function runs(expression: string, from: Date, to: Date): number[] {
  const cron = new Cron(expression.replaceAll("?", "*"), {
    alternativeWeekdays: true,
    sloppyRanges: true,
    utcOffset: 0,
  });
  const times: number[] = [];
  let after = new Date(from.getTime() - 1_000);
  for (;;) {
    const next = cron.nextRun(after);
    if (next === null || next >= to) return times;
    times.push(next.getTime());
    after = next;
  }
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, at) => time - times[at]!);
