import { expect, test } from "vitest";
import { definedFields } from "./defined-fields.ts";

test("fields that are undefined are left out; others stay, in their order", () => {
  const fields = definedFields({ b: 0, missing: undefined, a: null, text: "", no: false });
  expect(Object.entries(fields)).toEqual([
    ["b", 0],
    ["a", null],
    ["text", ""],
    ["no", false],
  ]);
});
