import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { names, oddJson } from "../testing/odd-json.ts";
import { elements, members, skipValue } from "./cutter.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (bytes: Uint8Array, span: { start: number; end: number }) =>
  JSON.parse(new TextDecoder().decode(bytes.subarray(span.start, span.end)));

const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("\\\\"));

describe("the cutter agrees with JSON.parse", () => {
  test("on the members of any object, whatever its white space, order and escapes", () =>
    fc.assert(
      fc.property(oddJson(fc.dictionary(names, plain)), ({ text }) => {
        const bytes = encode(text);
        const cut = members(bytes).map((member) => [member.name, parse(bytes, member)]);
        // A name may stand twice: the last one wins, as in JSON.parse.
        expect(new Map(cut as [string, unknown][])).toEqual(new Map(Object.entries(JSON.parse(text))));
      }),
    ));

  test("on the elements of any array", () =>
    fc.assert(
      fc.property(oddJson(fc.array(plain)), ({ text }) => {
        const bytes = encode(text);
        expect(elements(bytes, 0).map((span) => parse(bytes, span))).toEqual(JSON.parse(text));
      }),
    ));

  test("on where any value ends", () =>
    fc.assert(
      fc.property(oddJson(plain), fc.constantFrom(",", "}", "]", " ", "\n"), ({ text }, next) => {
        const value = encode(text.trim());
        expect(skipValue(encode(`${text.trim()}${next}`), 0)).toBe(value.length);
      }),
    ));
});

describe("the cutter refuses", () => {
  test.each([
    ["", "nothing"],
    ["[1]", "an array for an object"],
    ['{"a":1', "an object without an end"],
    ['{"a":"x}', "a string without an end"],
    ['{"a":{"b":[1,2}', "a nested value without an end"],
    ['{"a" 1}', "a member without a colon"],
    ['{"a":}', "a member without a value"],
    ['{"a":1 "b":2}', "members without a comma"],
    ["{a:1}", "a bare name"],
  ])("%j: %s", (text) => {
    expect(() => members(encode(text))).toThrow(SyntaxError);
  });

  test("an array whose elements are not parted", () => {
    expect(() => elements(encode("[1 2]"), 0)).toThrow(SyntaxError);
  });
});
