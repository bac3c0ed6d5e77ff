import { describe, expect, test } from "vitest";
import { openPageSize } from "./page-size.ts";

/** Reads pages of items that are all alike; what each consumed, units, as DynamoDB rounds it up. */
function consumed(unitsMax: number, itemBytes: number, told: number | undefined, pages = 20): number[] {
  const size = openPageSize(unitsMax, 0.5, told);
  return Array.from({ length: pages }, () => {
    const { limit = Number.POSITIVE_INFINITY } = size.next();
    const items = Math.min(limit, Math.ceil(1_048_576 / itemBytes));
    const units = Math.ceil((items * itemBytes) / 4096) * 0.5;
    size.learn(items, units);
    return units;
  });
}

describe("a page's size", () => {
  test("without a ceiling is a full page", () => {
    expect(openPageSize(Number.POSITIVE_INFINITY, 0.5, 100).next()).toEqual({ units: 0 });
  });

  test.each([
    [100, 100],
    [100, undefined],
    [4000, 4000],
    [4000, undefined],
    // DynamoDB's figures are hours old.
    [4000, 100],
    [100, 4000],
  ])("of items of %i bytes, said to have %s, comes to a turn's units", (itemBytes, told) => {
    const pages = consumed(10, itemBytes, told);
    expect(Math.max(...pages.slice(1))).toBeLessThanOrEqual(10.5);
    expect(pages.at(-1)).toBeGreaterThanOrEqual(8);
  });

  test("is expected to consume what it does, so that a turn covers it", () => {
    const size = openPageSize(10, 0.5, 100);
    const { limit, units } = size.next();
    expect(units).toBe(Math.ceil((limit! * 100) / 4096) * 0.5);
  });

  test.each([
    [0.5, 128],
    [1, 256],
  ])(
    "is DynamoDB's largest page at most, where a turn has room for more: of units of %d it takes %i",
    (unit, units) => {
      expect(openPageSize(1000, unit, 100).next().units).toBe(units);
    },
  );

  test("is one item, where one is more than a turn", () => {
    expect(consumed(1, 400_000, undefined).every((units) => units === 49)).toBe(true);
  });

  test("is a smallest page's, where a turn is less than that", () => {
    // 40 items cost as much as one.
    const size = openPageSize(0.1, 0.5, 100);
    expect(size.next()).toEqual({ limit: 40, units: 0.5 });
  });
});
