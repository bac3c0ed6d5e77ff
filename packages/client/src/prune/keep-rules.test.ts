import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type KeepRules, keptFor, parsePeriod } from "./keep-rules.ts";

const at = (text: string) => Date.parse(text.length === 10 ? `${text}T02:00:00Z` : text);
/** The dates that the rules keep, of archives at these times. */
const kept = (rules: KeepRules, ...times: string[]) => {
  const reasons = keptFor(times.map(at), rules);
  return times.filter((_, i) => reasons[i]!.length > 0);
};

describe("the rules keep", () => {
  const days = Array.from({ length: 60 }, (_, n) =>
    new Date(at("2026-09-28") + n * 86_400_000).toISOString().slice(0, 10),
  );

  test("the last ones", () => {
    expect(kept({ last: 2 }, "2026-11-01", "2026-11-03", "2026-11-02")).toEqual(["2026-11-03", "2026-11-02"]);
    expect(kept({ last: 9 }, "2026-11-01")).toEqual(["2026-11-01"]);
  });

  test("those within a period before the newest one, not before now", () => {
    const within = parsePeriod("--keep-within", "2d");
    expect(kept({ within }, "2020-01-01", "2020-01-02", "2020-01-03", "2020-01-04")).toEqual([
      "2020-01-03",
      "2020-01-04",
    ]);
    expect(
      kept({ within: parsePeriod("--keep-within", "1m") }, "2026-03-30", "2026-02-28", "2026-03-31"),
    ).toEqual(["2026-03-30", "2026-03-31"]);
  });

  test("the newest of each day, week and month, as many as there may be", () => {
    expect(kept({ daily: 3 }, ...days)).toEqual(days.slice(-3));
    // Mondays begin weeks, and the newest of each is a Sunday.
    expect(kept({ weekly: 3 }, ...days)).toEqual(["2026-11-15", "2026-11-22", "2026-11-26"]);
    expect(kept({ monthly: 2 }, ...days)).toEqual(["2026-10-31", "2026-11-26"]);
    const twice = ["2026-11-01T02:00:00Z", "2026-11-01T14:00:00Z", "2026-11-03T02:00:00Z"];
    expect(kept({ daily: 2 }, ...twice)).toEqual(twice.slice(1));
  });

  test("the oldest one in addition while a rule is not exhausted", () => {
    const all = ["2026-11-01T01:00:00Z", "2026-11-01T02:00:00Z", "2026-11-02T01:00:00Z"];
    expect(kept({ daily: 7 }, ...all)).toEqual(all);
    expect(kept({ daily: 2 }, ...all)).toEqual(all.slice(1));
    expect(keptFor(all.map(at), { daily: 7 })[0]).toEqual(["oldest, for its day"]);
  });

  test("a week of two years once", () => {
    const newYear = ["2026-12-31", "2027-01-01", "2027-01-03", "2027-01-04"];
    expect(kept({ weekly: 2 }, "2020-01-01", ...newYear)).toEqual(["2027-01-03", "2027-01-04"]);
    expect(keptFor([at("2027-01-01"), at("2021-01-03")], { weekly: 2 })).toEqual([
      ["week 2026-W53"],
      ["week 2020-W53"],
    ]);
  });

  test("what any of them keeps, and always the newest", () => {
    const rule = fc.nat(5);
    return fc.assert(
      fc.property(
        fc.array(fc.integer({ min: at("2026-01-01"), max: at("2027-12-31") }), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.record({ last: rule, daily: rule, weekly: rule, monthly: rule }),
        (times, rules) => {
          const union = keptFor(times, rules);
          const alone = Object.entries(rules).map(([name, count]) => keptFor(times, { [name]: count }));
          for (const i of times.keys())
            expect(union[i]!.length > 0).toBe(alone.some((reasons) => reasons[i]!.length > 0));
          if (Object.values(rules).some((count) => count > 0)) {
            const newest = Math.max(...times);
            expect(times.some((time, i) => time === newest && union[i]!.length > 0)).toBe(true);
          }
        },
      ),
    );
  });

  test("nothing without a rule", () => {
    expect(kept({}, "2026-11-01")).toEqual([]);
    expect(keptFor([], { last: 1 })).toEqual([]);
  });
});

test("a period has years, months, days and hours", () => {
  expect(parsePeriod("--keep-within", "1y2m3d4h")).toEqual({ years: 1, months: 2, days: 3, hours: 4 });
  expect(parsePeriod("--keep-within", "12h")).toEqual({ years: 0, months: 0, days: 0, hours: 12 });
  for (const text of ["", "30", "d", "3w", "0d", "-1d", "1d2y"])
    expect(() => parsePeriod("--keep-within", text)).toThrow("--keep-within must be a period");
});
