import { expect, test } from "vitest";
import { truncate } from "./truncate.ts";

test("a text that fits stays as it is", () => {
  expect(truncate("abc", 3)).toBe("abc");
});

test("a longer one is cut to the length, an ellipsis at its end", () => {
  expect(truncate("abcd", 3)).toBe("ab…");
});

test("a character that is cut in half is replaced: DynamoDB refuses half of one", () => {
  expect(truncate("a🚀b", 3)).toBe("a\ufffd…");
});
