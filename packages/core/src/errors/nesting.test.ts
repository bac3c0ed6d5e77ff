import { describe, expect, test } from "vitest";
import { cutNesting } from "./nesting.ts";

/** A value inside this many levels of arrays, or of objects. */
const arrays = (levels: number, inner: unknown = 7): unknown =>
  levels === 0 ? inner : [arrays(levels - 1, inner)];
const objects = (levels: number, inner: unknown = 7): unknown =>
  levels === 0 ? inner : { a: objects(levels - 1, inner), b: "b" };
const CUT = "(nested too deeply)";

describe("a value", () => {
  test.each([
    [7],
    ["text"],
    [null],
    [undefined],
    [true],
    [[]],
    [{}],
    [arrays(32)],
    [objects(32)],
    [{ a: [null, { b: 1 }] }],
  ])("that is not nested too deeply is returned unchanged: %j", (value) => {
    expect(cutNesting(value)).toBe(value);
  });

  test("loses its levels below the 32nd, and keeps everything else", () => {
    expect(cutNesting(arrays(33))).toStrictEqual(arrays(32, CUT));
    expect(cutNesting(objects(40))).toStrictEqual(objects(32, CUT));
    const beside = { shallow: { a: [1, null, "x"] }, deep: arrays(40) };
    expect(cutNesting(beside)).toStrictEqual({ shallow: beside.shallow, deep: arrays(31, CUT) });
    expect(cutNesting([1, arrays(40), null])).toStrictEqual([1, arrays(31, CUT), null]);
  });
});
