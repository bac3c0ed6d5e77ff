import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openSeenKeys } from "./seen-keys.ts";

test("exactly the earlier lines with a key are found", () => {
  return fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 2 }), { maxLength: 300 }), (keys) => {
      const seen = openSeenKeys(keys.length);
      const known = new Map<string, number[]>();
      for (const [i, key] of keys.entries()) {
        const lines = known.get(key) ?? [];
        expect([...seen.add(key, i + 1)].sort((a, b) => a - b)).toEqual(lines);
        known.set(key, [...lines, i + 1]);
      }
    }),
  );
});

test("200,000 similar keys are not reported as duplicates", () => {
  const seen = openSeenKeys(200_000);
  const found: number[] = [];
  for (let i = 0; i < 200_000; i++) found.push(...seen.add(`["partition-${i % 100}","${i}"]`, i + 1));
  expect(found).toEqual([]);
  expect(seen.add('["partition-7","7"]', 200_001)).toEqual([8]);
});

test("with more lines than expected, none is forgotten until two tables are full", () => {
  const seen = openSeenKeys(32);
  for (let i = 0; i < 64; i++) expect(seen.add(`key-${i}`, i + 1)).toEqual([]);
  for (let i = 32; i < 64; i++) expect(seen.add(`key-${i}`, 100 + i)).toContain(i + 1);
});
