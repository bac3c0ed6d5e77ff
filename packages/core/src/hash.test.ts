import { expect, test } from "vitest";
import { fnv1a, seeded, sha256Hex } from "./hash.ts";

// The published test vectors of FNV-1a, 32 bits.
test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("fnv1a of %j equals the published value", (text, hash) => {
  expect(fnv1a(text)).toBe(hash);
});

// The published test vectors of SHA-256, and a character with two bytes in UTF-8.
test.each([
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["é", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"],
])("sha256Hex of %j equals the published value", (text, hex) => {
  expect(sha256Hex(text)).toBe(hex);
});

// Computed by the reference implementation of mulberry32.
test("seeded returns the numbers of mulberry32", () => {
  const next = seeded(0);
  expect([next(), next(), next()]).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
});

test("seeded uses the low 32 bits of its seed", () => {
  expect(seeded(-1)()).toBe(seeded(0xffffffff)());
  expect(seeded(2 ** 32 + 7)()).toBe(seeded(7)());
});
