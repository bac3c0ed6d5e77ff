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

  test("is learned from pages: a page that consumed the smallest amount says no more than that items are cheap", () => {
    const size = openPageSize(8, 1, 4096);
    expect(size.next()).toEqual({ limit: 8, units: 8 });
    // 16 items cost one unit: an item is at most a sixteenth, and a page grows to four times at once.
    size.learn(16, 1);
    expect(size.next()).toEqual({ limit: 32, units: 2 });
    // Half as many for the same unit: that does not make an item dearer than was seen.
    size.learn(8, 1);
    expect(size.next().limit).toBe(128);
  });

  test("takes dearer items at once, and cheaper ones half way", () => {
    const size = openPageSize(8, 1, 4096);
    size.learn(8, 16);
    expect(size.next()).toEqual({ limit: 4, units: 8 });
    size.learn(4, 2);
    // From 2 units an item to (2 + 0.5) / 2.
    expect(size.next()).toEqual({ limit: 6, units: 8 });
  });

  test.each([
    [0, 1],
    [8, 0],
  ])("learns nothing of a page of %i items and %i units", (items, units) => {
    const size = openPageSize(8, 1, 4096);
    size.learn(items, units);
    expect(size.next()).toEqual({ limit: 8, units: 8 });
  });

  test("is expected to consume no more than pages that were cut by their bytes did", () => {
    const size = openPageSize(1000, 1, 4096);
    expect(size.next()).toEqual({ limit: 1000, units: 256 });
    size.learn(250, 250);
    expect(size.next()).toEqual({ limit: 1000, units: 250 });
    // The most that one consumed counts.
    size.learn(200, 200);
    expect(size.next()).toEqual({ limit: 1000, units: 250 });
  });

  test("is not capped by a page that was merely short", () => {
    const size = openPageSize(100, 1, 4096);
    // The first page of all: it tells as much as there is to tell.
    size.learn(2, 2);
    expect(size.next()).toEqual({ limit: 100, units: 2 });
    // It held its limit: its bytes did not cut it, and another of so many items will consume as much.
    size.learn(100, 100);
    expect(size.next()).toEqual({ limit: 100, units: 100 });
    size.learn(2, 2);
    expect(size.next()).toEqual({ limit: 100, units: 100 });
  });

  test("is a full page again after one that held its limit; a page that ended early says nothing", () => {
    const size = openPageSize(1000, 1, 4096);
    size.learn(300, 300);
    expect(size.next().units).toBe(300);
    size.learn(1000, 1000);
    expect(size.next().units).toBe(256);
    // Less than half of what another page held: it was not its bytes that cut it.
    size.learn(499, 499);
    expect(size.next().units).toBe(256);
    size.learn(500, 500);
    expect(size.next().units).toBe(500);
  });

  test("starts with one item where an average one is not known, and grows fourfold", () => {
    const size = openPageSize(100, 0.5, undefined);
    const limits = [1, 4, 16].map((items) => {
      const { limit } = size.next();
      size.learn(items, 0.5);
      return limit;
    });
    expect(limits).toEqual([1, 4, 16]);
  });
});
