import { expect, test } from "vitest";
import { itemText, valueText } from "./same-item.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (item: string) => itemText(bytes(item));

test.each([
  ["members in another order", '{"a":{"S":"x"},"b":{"S":"y"}}', '{"b":{"S":"y"}, "a":{"S":"x"}}'],
  [
    "several members in another order",
    '{"c":{"S":"1"},"a":{"S":"2"},"d":{"S":"3"},"b":{"S":"4"}}',
    '{"b":{"S":"4"},"d":{"S":"3"},"a":{"S":"2"},"c":{"S":"1"}}',
  ],
  ["three numbers in another order", '{"a":{"NS":["10","9","-1"]}}', '{"a":{"NS":["9","-1.0","1e1"]}}'],
  ["escapes", '{"a":{"S":"a/"}}', '{"\\u0061":{"S":"\\u0061\\/"}}'],
  ["another spelling of a number", '{"a":{"N":"1"}}', '{"a":{"N":"10e-1"}}'],
  ["sets in another order", '{"a":{"SS":["x","y"]}}', '{"a":{"SS":["y","x"]}}'],
  ["binary sets in another order", '{"a":{"BS":["Ag==","AQ=="]}}', '{"a":{"BS":["AQ==","Ag=="]}}'],
  ["another spelling in number sets", '{"a":{"NS":["1","2"]}}', '{"a":{"NS":["2.0","1"]}}'],
  [
    "all of that inside maps and lists",
    '{"a":{"M":{"l":{"L":[{"N":"1"},{"M":{"x":{"S":"1"},"y":{"S":"2"}}}]}}}}',
    '{"a":{"M":{"l":{"L":[{"N":"1.0"},{"M":{"y":{"S":"2"},"x":{"S":"1"}}}]}}}}',
  ],
])("%s does not make items different", (_, a, b) => {
  expect(text(a)).toBe(text(b));
});

test.each([
  ["another value", '{"a":{"S":"x"}}', '{"a":{"S":"y"}}'],
  ["another name", '{"a":{"S":"x"}}', '{"b":{"S":"x"}}'],
  ["another type", '{"a":{"S":"1"}}', '{"a":{"N":"1"}}'],
  ["one attribute more", '{"a":{"S":"x"}}', '{"a":{"S":"x"},"b":{"S":"x"}}'],
  ["another 38th digit", `{"a":{"N":"${"1".repeat(38)}"}}`, `{"a":{"N":"${"1".repeat(37)}2"}}`],
  ["a list in another order", '{"a":{"L":[{"S":"x"},{"S":"y"}]}}', '{"a":{"L":[{"S":"y"},{"S":"x"}]}}'],
  ["a boolean", '{"a":{"BOOL":true}}', '{"a":{"BOOL":false}}'],
  ["a map in place of a list", '{"a":{"M":{}}}', '{"a":{"L":[]}}'],
  ["a string in place of a binary", '{"a":{"S":"AQ=="}}', '{"a":{"B":"AQ=="}}'],
  ["a set of strings in place of one of binaries", '{"a":{"SS":["AQ=="]}}', '{"a":{"BS":["AQ=="]}}'],
  ["a set of strings in place of one of numbers", '{"a":{"SS":["1"]}}', '{"a":{"NS":["1"]}}'],
  ["a set in place of a list", '{"a":{"SS":[]}}', '{"a":{"L":[]}}'],
  ["another number in a set", '{"a":{"NS":["1","2"]}}', '{"a":{"NS":["1","3"]}}'],
  ["another name in a map", '{"a":{"M":{"x":{"S":"1"}}}}', '{"a":{"M":{"y":{"S":"1"}}}}'],
  ["another binary", '{"a":{"B":"AQ=="}}', '{"a":{"B":"Ag=="}}'],
])("%s makes items different", (_, a, b) => {
  expect(text(a)).not.toBe(text(b));
});

test("a single value is normalized in the same way", () => {
  expect(valueText(bytes('{"N":"1.0"}'))).toBe(valueText(bytes('{ "N" : "1" }')));
  expect(valueText(bytes('{"N":"1"}'))).not.toBe(valueText(bytes('{"S":"1"}')));
});

test("a value without a type equals itself only, and is not an error", () => {
  expect(text('{"a":{}}')).toBe(text('{ "a" : { } }'));
  expect(text('{"a":{}}')).not.toBe(text('{"a":{"S":""}}'));
  expect(text('{"a":{}}')).not.toBe(text('{"a":{"NULL":true}}'));
});

test("text that is not JSON is a SyntaxError", () => {
  expect(() => text("{")).toThrow(SyntaxError);
});
