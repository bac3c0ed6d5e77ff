import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { names, oddJson } from "../testing/odd-json.ts";
import { eachElement, eachMember, elements, members, skipValue } from "./cutter.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const parse = (bytes: Uint8Array, span: { start: number; end: number }) =>
  JSON.parse(new TextDecoder().decode(bytes.subarray(span.start, span.end)));

const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("\\\\"));

describe("the cutter agrees with JSON.parse", () => {
  test("on the members of any object, with any white space, order and escapes", () =>
    fc.assert(
      fc.property(oddJson(fc.dictionary(names, plain)), ({ text }) => {
        const bytes = encode(text);
        const cut = members(bytes).map((member) => [member.name, parse(bytes, member)]);
        // A name may occur twice: the last one wins, as in JSON.parse.
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

  test("on the end of any value", () =>
    fc.assert(
      fc.property(oddJson(plain), fc.constantFrom(",", "}", "]", " ", "\n"), ({ text }, next) => {
        const value = encode(text.trim());
        expect(skipValue(encode(`${text.trim()}${next}`), 0)).toBe(value.length);
      }),
    ));
});

test("the cutter finds the end of an object and of an array", () =>
  fc.assert(
    fc.property(
      oddJson(fc.oneof(fc.dictionary(names, plain), fc.array(plain))),
      fc.constantFrom("", ",", " 1"),
      ({ value, text }, next) => {
        const bytes = encode(`${text}${next}`);
        const end = Array.isArray(value)
          ? eachElement(bytes, 0, () => {})
          : eachMember(bytes, 0, (_, at) => skipValue(bytes, at));
        expect(end).toBe(encode(text).length);
      },
    ),
  ));

describe("the end of a long string", () => {
  /** Text of letters, quotes and backslashes, in runs of any length. */
  const runs = fc.array(fc.tuple(fc.constantFrom("a", '"', "\\", '\\"', "é"), fc.nat(70)), { maxLength: 8 });
  const text = runs.map((parts) => parts.map(([unit, times]) => unit.repeat(times)).join(""));

  test("is its first quote that is not escaped, wherever quotes and backslashes are", () =>
    fc.assert(
      fc.property(text, text, (value, after) => {
        const string = JSON.stringify(value);
        const bytes = encode(`{"a":[${string},${JSON.stringify(after)}]}`);
        const end = encode(`{"a":[${string}`).length;
        expect(skipValue(bytes, 6)).toBe(end);
        expect(skipValue(bytes, 0)).toBe(bytes.length);
      }),
      { numRuns: 2000 },
    ));

  test.each(Array.from({ length: 80 }, (_, length) => length))(
    "is found after %i letters and escapes",
    (length) => {
      for (const escapes of ["", "\\\\", '\\"', '\\\\\\"', "\\\\\\\\"]) {
        const string = `"${"x".repeat(length)}${escapes}"`;
        expect(skipValue(encode(`${string},"y"`), 0)).toBe(string.length);
        expect(() => skipValue(encode(string.slice(0, -1)), 0)).toThrow(SyntaxError);
      }
    },
  );
});

test("a value may end at the end of the text", () => {
  expect(skipValue(encode("12"), 0)).toBe(2);
});

describe("the cutter refuses", () => {
  test.each([
    ["", "the end at 0", "nothing"],
    ["[1]", "byte 0x5b at 0", "an array instead of an object"],
    ['{"a":1', "the end at 6", "an object without an end"],
    ['{"a":"x}', "the end at 8", "a string without an end"],
    ['{"a":{"b":[1,2}', "the end at 15", "a nested value without an end"],
    ['{"a" 1}', "byte 0x31 at 5", "a member without a colon"],
    ['{"a":}', "byte 0x7d at 5", "a member without a value"],
    ['{"a":1 "b":2}', "byte 0x22 at 7", "members without a comma"],
    ["{a:1}", "byte 0x61 at 1", "a bare name"],
  ])("%j, %s: %s", (text, found) => {
    const error = new SyntaxError(`JSON text has ${found}, which is not valid there`);
    expect(() => members(encode(text))).toThrow(error);
  });

  test.each([
    ["[1 2]", "byte 0x32 at 3", "elements without a comma"],
    ["1]", "byte 0x31 at 0", "a number instead of an array"],
    ["[1", "the end at 2", "an array without an end"],
  ])("%j, %s: %s", (text, found) => {
    const error = new SyntaxError(`JSON text has ${found}, which is not valid there`);
    expect(() => elements(encode(text), 0)).toThrow(error);
  });
});
