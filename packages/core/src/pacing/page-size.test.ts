import { describe, expect, test } from "vitest";
import { openPageSize } from "./page-size.ts";

/** Reads pages of items of equal size. Returns the units of each page, rounded up as in DynamoDB. */
function consumed(
  unitsMax: number,
  itemBytes: number,
  reportedBytes: number | undefined,
  pages = 20,
): number[] {
  const size = openPageSize(unitsMax, 0.5, reportedBytes);
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
    // DynamoDB's reported sizes are hours old.
    [4000, 100],
    [100, 4000],
  ])("of items of %i bytes, reported as %s, approaches a reservation's units", (itemBytes, reportedBytes) => {
    const pages = consumed(10, itemBytes, reportedBytes);
    expect(Math.max(...pages.slice(1))).toBeLessThanOrEqual(10.5);
    expect(pages.at(-1)).toBeGreaterThanOrEqual(8);
  });

  test("has the expected consumption of its page, so that the reservation covers it", () => {
    const size = openPageSize(10, 0.5, 100);
    const { limit, units } = size.next();
    expect(units).toBe(Math.ceil((limit! * 100) / 4096) * 0.5);
  });

  test.each([
    [0.5, 128],
    [1, 256],
  ])(
    "is at most DynamoDB's largest page, even if a reservation allows more: with units of %d it is %i",
    (unit, units) => {
      expect(openPageSize(1000, unit, 100).next().units).toBe(units);
    },
  );

  test("is one item if an item exceeds a reservation", () => {
    expect(consumed(1, 400_000, undefined).every((units) => units === 49)).toBe(true);
  });

  test("is that of the smallest page if a reservation is smaller", () => {
    // 40 items cost as much as one.
    const size = openPageSize(0.1, 0.5, 100);
    expect(size.next()).toEqual({ limit: 40, units: 0.5 });
  });

  test.each([
    ["unknown", undefined],
    ["stale and too large", 4096],
    ["stale and much too large", 400_000],
  ])("grows beyond one item under a low ceiling although the average size is %s", (_, reportedBytes) => {
    const size = openPageSize(0.2, 0.5, reportedBytes);
    for (let page = 0; page < 10; page++) {
      const { limit = 0, units: expected } = size.next();
      const units = Math.ceil((limit * 100) / 4096) * 0.5;
      // The JSON of an item is twice as large as DynamoDB counts, and a response has 150 bytes besides.
      size.learn(limit, units, limit * 200 + 150);
      if (page > 0) expect(units).toBeLessThanOrEqual(expected);
    }
    expect(size.next()).toEqual({ limit: 19, units: 0.5 });
  });

  test("grows again when small items follow a large one", () => {
    const size = openPageSize(0.2, 0.5, undefined);
    size.learn(1, 5, 60_000);
    expect(size.next().limit).toBe(1);
    size.learn(1, 0.5, 300);
    size.learn(4, 0.5, 900);
    expect(size.next().limit).toBe(16);
  });

  test("takes only an upper bound of an item's consumption from a page that consumed the smallest amount", () => {
    const size = openPageSize(8, 1, 4096);
    expect(size.next()).toEqual({ limit: 8, units: 8 });
    // 16 items consumed one unit: an item consumes at most a sixteenth, and the limit grows to at most four times.
    size.learn(16, 1);
    expect(size.next()).toEqual({ limit: 32, units: 2 });
    // Half as many items for the same unit do not raise the estimate.
    size.learn(8, 1);
    expect(size.next().limit).toBe(128);
  });

  test("follows a higher consumption per item at once, and a lower one half way", () => {
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
  ])("is unchanged after a page of %i items and %i units", (items, units) => {
    const size = openPageSize(8, 1, 4096);
    size.learn(items, units);
    expect(size.next()).toEqual({ limit: 8, units: 8 });
  });

  test("is expected to consume at most as much as pages that ended at the byte limit", () => {
    const size = openPageSize(1000, 1, 4096);
    expect(size.next()).toEqual({ limit: 1000, units: 256 });
    size.learn(250, 250);
    expect(size.next()).toEqual({ limit: 1000, units: 250 });
    // The highest consumption counts.
    size.learn(200, 200);
    expect(size.next()).toEqual({ limit: 1000, units: 250 });
  });

  test("is not capped by a short page", () => {
    const size = openPageSize(100, 1, 4096);
    // Before any other page, the first page is the best estimate.
    size.learn(2, 2);
    expect(size.next()).toEqual({ limit: 100, units: 2 });
    // It reached its item limit, so it did not end at the byte limit, and another page of as many items will consume as much.
    size.learn(100, 100);
    expect(size.next()).toEqual({ limit: 100, units: 100 });
    size.learn(2, 2);
    expect(size.next()).toEqual({ limit: 100, units: 100 });
  });

  test("is a full page again after one that reached its item limit; a page that ended early does not count", () => {
    const size = openPageSize(1000, 1, 4096);
    size.learn(300, 300);
    expect(size.next().units).toBe(300);
    size.learn(1000, 1000);
    expect(size.next().units).toBe(256);
    // It consumed less than half of another page, so it did not end at the byte limit.
    size.learn(499, 499);
    expect(size.next().units).toBe(256);
    size.learn(500, 500);
    expect(size.next().units).toBe(500);
  });

  test("starts with one item if the average size is unknown, and grows fourfold", () => {
    const size = openPageSize(100, 0.5, undefined);
    const limits = [1, 4, 16].map((items) => {
      const { limit } = size.next();
      size.learn(items, 0.5);
      return limit;
    });
    expect(limits).toEqual([1, 4, 16]);
  });
});
