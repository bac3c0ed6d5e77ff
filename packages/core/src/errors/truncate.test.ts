import { expect, test } from "vitest";
import { truncate } from "./truncate.ts";

test("a text within the limit is unchanged", () => {
  expect(truncate("abc", 3)).toBe("abc");
});

test("a longer text is cut to the limit and ends with an ellipsis", () => {
  expect(truncate("abcd", 3)).toBe("ab…");
});

test("a surrogate pair that the cut breaks is replaced, since DynamoDB rejects lone surrogates", () => {
  expect(truncate("a🚀b", 3)).toBe("a\ufffd…");
});
