import * as fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

test.each<[unknown, string]>([
  [{ b: 1, a: { d: [true, null], c: "x" } }, '{"a":{"c":"x","d":[true,null]},"b":1}'],
  [{ B: 1, a: 2, "": 3, A: 4 }, '{"":3,"A":4,"B":1,"a":2}'],
  [[3, 1, 2], "[3,1,2]"],
  ['"\n', '"\\"\\n"'],
  ["null", '"null"'],
  [null, "null"],
  [1.5, "1.5"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [{}, "{}"],
  [[], "[]"],
  [undefined, "undefined"],
])("%j is %s", (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test("the text parses to the same value, and does not depend on the order of names", () =>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(Object.fromEntries(Object.entries(value).toReversed()))).toBe(text);
    }),
  ));

test("a value of any depth has a text", () => {
  const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
  expect(canonicalJson(deep)).toBe(`${"[".repeat(32)}"(nested too deeply)"${"]".repeat(32)}`);
});
