/**
 * Which of a table's archives are kept: the rules of restic's `forget`.
 */
import { ClientError } from "../client-error.ts";

/** At least one rule. An archive is kept if any rule keeps it. */
export interface KeepRules {
  /** The newest this many. */
  readonly last?: number;
  /** Those that are newer than this before the newest one. */
  readonly within?: Period;
  /** The newest of each of the last this many days, weeks or months that have archives, in UTC; weeks are those of ISO 8601. */
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
}

/** A period of the calendar. */
export interface Period {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}

const PERIOD = /^(?:(\d{1,3})y)?(?:(\d{1,4})m)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?$/;
const DAY_MS = 86_400_000;

/** Reads a period such as `30d`, `1y6m` or `12h`. ClientError `usage`. */
export function parsePeriod(option: string, text: string): Period {
  const [, ...parts] = PERIOD.exec(text) ?? [];
  const [years, months, days, hours] = parts.map((part) => Number(part ?? 0));
  if (text === "" || parts.length === 0 || !(years! + months! + days! + hours! > 0))
    throw new ClientError("usage", "usage", {
      message: `${option} must be a period of years, months, days and hours: got ${JSON.stringify(text)}.`,
      hint: `For instance ${option} 30d, or 1y6m.`,
    });
  return { years: years!, months: months!, days: days!, hours: hours! };
}

/**
 * The reasons for which each of a table's archives is kept; empty for one that is not. `timesMs`: when each was begun, ms since 1970, in
 * any order. As in restic, the oldest archive is kept in addition if a rule has fewer days, weeks or months than it may keep.
 */
export function keptFor(timesMs: readonly number[], rules: KeepRules): string[][] {
  const reasons: string[][] = timesMs.map(() => []);
  const newestFirst = timesMs.map((_, i) => i).sort((a, b) => timesMs[b]! - timesMs[a]!);
  const newest = newestFirst[0];
  if (newest === undefined) return reasons;
  newestFirst.slice(0, rules.last ?? 0).forEach((i, place) => {
    reasons[i]!.push(`last ${place + 1}`);
  });
  if (rules.within !== undefined) {
    const afterMs = before(timesMs[newest]!, rules.within);
    for (const i of newestFirst) if (timesMs[i]! > afterMs) reasons[i]!.push("within the period");
  }
  for (const [name, limit, bucketOf] of [
    ["day", rules.daily, dayOf],
    ["week", rules.weekly, weekOf],
    ["month", rules.monthly, monthOf],
  ] as const)
    keepEach(name, limit ?? 0, bucketOf);
  return reasons;

  function keepEach(name: string, limit: number, bucketOf: (timeMs: number) => string): void {
    let left = limit;
    let lastBucket: string | undefined;
    for (const i of newestFirst) {
      if (left === 0) return;
      const bucket = bucketOf(timesMs[i]!);
      const isOldest = i === newestFirst.at(-1);
      if (bucket === lastBucket && !isOldest) continue;
      reasons[i]!.push(bucket === lastBucket ? `oldest, for its ${name}` : `${name} ${bucket}`);
      lastBucket = bucket;
      left--;
    }
  }
}

/** A time before another, by the calendar. */
function before(timeMs: number, { years, months, days, hours }: Period): number {
  const date = new Date(timeMs);
  date.setUTCFullYear(date.getUTCFullYear() - years, date.getUTCMonth() - months, date.getUTCDate() - days);
  return date.getTime() - hours * 3_600_000;
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

function monthOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 7);
}

/** `2026-W48`: the week of ISO 8601, which belongs to the year of its Thursday. */
function weekOf(timeMs: number): string {
  const weekday = (new Date(timeMs).getUTCDay() + 6) % 7;
  const thursday = new Date(timeMs + (3 - weekday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, "0")}`;
}
