import { expect, test } from "vitest";
import { fnv1a, seeded } from "./hash.ts";

// The published vectors of FNV-1a, 32 bits.
test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("fnv1a of %j is the published one", (text, hash) => {
  expect(fnv1a(text)).toBe(hash);
});

// Computed by the reference implementation of mulberry32.
test("seeded gives the numbers of mulberry32", () => {
  const next = seeded(0);
  expect([next(), next(), next()]).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
});

test("seeded takes any integer as 32 bits", () => {
  expect(seeded(-1)()).toBe(seeded(0xffffffff)());
  expect(seeded(2 ** 32 + 7)()).toBe(seeded(7)());
});
