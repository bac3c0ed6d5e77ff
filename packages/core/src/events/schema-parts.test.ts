import * as v from "valibot";
import { describe, expect, test } from "vitest";
import {
  count,
  described,
  either,
  fieldOf,
  integerBetween,
  list,
  readonlyObject,
  unchanged,
  wholeNumber,
} from "./schema-parts.ts";

const isValid = (schema: v.GenericSchema, value: unknown) => v.safeParse(schema, value).success;

test("an object's unknown fields are dropped", () => {
  expect(v.parse(readonlyObject({ a: v.string() }), { a: "x", b: 1 })).toEqual({ a: "x" });
  expect(isValid(readonlyObject({ a: v.string() }), { b: 1 })).toBe(false);
});

test("each element of a list is checked", () => {
  expect(v.parse(list(v.string()), ["a", "b"])).toEqual(["a", "b"]);
  expect(isValid(list(v.string()), ["a", 1])).toBe(false);
});

test("a description is kept with its schema", () => {
  expect(v.getDescription(described(v.string(), "What it is."))).toBe("What it is.");
});

describe("either of two schemas", () => {
  const first = v.object({ kind: v.string(), a: v.number() });
  const second = v.object({ kind: v.string(), b: v.number() });
  const schema = either(first, second, (value) => fieldOf(value, "kind") === "second");

  test("is chosen by the value, and both are listed", () => {
    expect(v.parse(schema, { kind: "first", a: 1 })).toEqual({ kind: "first", a: 1 });
    expect(v.parse(schema, { kind: "second", b: 1 })).toEqual({ kind: "second", b: 1 });
    expect(schema.alternatives).toEqual([first, second]);
  });

  test("an issue names the wrong field of the chosen one", () => {
    const { issues } = v.safeParse(schema, { kind: "second", b: "1" });
    expect(issues?.map((issue) => v.getDotPath(issue as v.BaseIssue<unknown>))).toEqual(["b"]);
  });
});

test.each([
  [{ a: 1 }, 1],
  [{ b: 1 }, undefined],
  [null, undefined],
  [undefined, undefined],
  ["text", undefined],
  [["a"], undefined],
])("the field a of %j is %j", (value, expected) => expect(fieldOf(value, "a")).toBe(expected));

describe("a value that is checked and not changed", () => {
  const schema = unchanged(
    v.object({ a: v.pipe(v.number(), v.minValue(1)), b: v.optional(v.string(), "x") }),
  );

  test("keeps its unknown fields and their order, and gets no defaults", () => {
    const value = { z: 1, a: 2 };
    expect(v.parse(schema, value)).toBe(value);
    expect(Object.keys(v.parse(schema, value) as object)).toEqual(["z", "a"]);
  });

  test("has the issues of the schema, with message, path, and what was expected and received", () => {
    const { issues } = v.safeParse(schema, { a: 0, b: 5 });
    const own = v.safeParse(v.object({ a: v.pipe(v.number(), v.minValue(1)), b: v.string() }), {
      a: 0,
      b: 5,
    });
    const parts = (all: readonly v.BaseIssue<unknown>[] | undefined) =>
      all?.map((issue) => ({
        message: issue.message,
        input: issue.input,
        expected: issue.expected,
        received: issue.received,
        path: v.getDotPath(issue),
      }));
    expect(parts(issues)).toEqual(parts(own.issues));
    expect(issues).toHaveLength(2);
  });

  test("of another type has one issue, without a path", () => {
    const { issues } = v.safeParse(schema, "text");
    expect(issues).toHaveLength(1);
    expect(issues?.[0]).toMatchObject({ expected: "Object", received: '"text"' });
    expect(issues?.[0]?.path).toBeUndefined();
  });
});

test.each([
  [1, false],
  [2, true],
  [5, true],
  [6, false],
  [2.5, false],
  ["3", false],
])("given whole numbers from 2 to 5, %j: %s", (value, expected) => {
  expect(isValid(integerBetween(2, 5), value)).toBe(expected);
});

test.each([
  [0, true],
  [Number.MAX_SAFE_INTEGER, true],
  [Number.MAX_SAFE_INTEGER + 1, false],
  [-1, false],
  [0.5, false],
  ["1", false],
])("a count may be %j: %s", (value, expected) => expect(isValid(count, value)).toBe(expected));

test.each([
  [0, 0],
  [7, 7],
  ["0", 0],
  ["42", 42],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
])("%j is the whole number %i", (value, expected) => expect(v.parse(wholeNumber, value)).toBe(expected));

test.each([
  -1,
  1.5,
  "",
  "-1",
  "1.5",
  "x1",
  " 1",
  "1 ",
  "0x10",
  "1e5",
  "+1",
  "1x",
  "9".repeat(16),
  "1".repeat(17),
  null,
  Number.MAX_SAFE_INTEGER + 1,
])("%j is not a whole number", (value) => expect(isValid(wholeNumber, value)).toBe(false));

test("a negative number's issue says what is allowed", () => {
  expect(v.safeParse(wholeNumber, -1).issues?.[0]?.message).toBe("must be 0 or higher");
});
