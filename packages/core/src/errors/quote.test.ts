import { expect, test } from "vitest";
import { quoted } from "./quote.ts";

test.each<[unknown, string]>([
  [undefined, "nothing"],
  [null, "null"],
  ["a", '"a"'],
  [{ a: [1] }, '{"a":[1]}'],
  [Symbol("s"), "Symbol(s)"],
  ["x".repeat(118), `"${"x".repeat(118)}"`],
  ["x".repeat(119), `"${"x".repeat(118)}…`],
])("%s is quoted as %s", (value, text) => {
  expect(quoted(value)).toBe(text);
});

test("a value of any depth is quoted", () => {
  expect(quoted(JSON.parse("[".repeat(100_000) + "]".repeat(100_000)))).toContain("(nested too deeply)");
});
