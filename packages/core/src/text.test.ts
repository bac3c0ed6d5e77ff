import { expect, test } from "vitest";
import { shortened } from "./text.ts";

test("a text that fits stays as it is", () => {
  expect(shortened("abc", 3)).toBe("abc");
});

test("a longer one is cut to the length, an ellipsis at its end", () => {
  expect(shortened("abcd", 3)).toBe("ab…");
});

test("a character that is cut in half is replaced: DynamoDB refuses half of one", () => {
  expect(shortened("a🚀b", 3)).toBe("a\ufffd…");
});
