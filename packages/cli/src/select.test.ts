import { expect, test } from "vitest";
import { parsePath, selectValue } from "./select.ts";

const item = new TextEncoder().encode(
  '{"id":{"S":"a"},"address":{"M":{"lines":{"L":[{"S":"x"},{"N":"12345678901234567890"}]}}}}',
);

test.each([
  ["id", '{"S":"a"}'],
  ["address.lines[1]", '{"N":"12345678901234567890"}'],
  ["address.lines[7]", undefined],
  ["address.lines.x", undefined],
  ["constructor", undefined],
  ["id.x", undefined],
])("%s selects %s", (path, value) => {
  expect(selectValue(item, parsePath(path))).toBe(value);
});

test.each(["", "[0]", "a..b", "a[x]", "a[0"])("the path %j is refused", (path) => {
  if (path === "") expect(parsePath(path)).toEqual([]);
  else expect(() => parsePath(path)).toThrow("is not a name or [POSITION]");
});
