import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyString } from "../testing/any-string.ts";
import { oddJson } from "../testing/odd-json.ts";
import { attributeNames, keyTextOf } from "./item-key.ts";
import { canonicalNumber } from "./key-value.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const keys = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
];

describe("the key of an item", () => {
  test("is the same for all spellings of a number", () => {
    for (const spelling of ["1", "1.0", "01", "+1", "10e-1", "0.1E1", "1.", "1e0", "0.001e+3"])
      expect(canonicalNumber(spelling)).toBe("1e0");
    for (const zero of ["0", "-0", "0.000", "0e9", "00"]) expect(canonicalNumber(zero)).toBe("0");
    expect(canonicalNumber("-12.50")).toBe("-125e-1");
    expect(canonicalNumber("100")).toBe("1e2");
  });

  test("accepts exponents of any length; text that is not a number is not changed", () => {
    expect(canonicalNumber("1e10")).toBe(canonicalNumber("10000000000"));
    expect(canonicalNumber("-1.5E-120")).toBe("-15e-121");
    for (const text of ["a1", "1a", "1e", "e1x", "1.2.3", " 1", "1 ", "Infinity"])
      expect(canonicalNumber(text)).toBe(text);
  });

  test("is normalized only for numbers: the strings 1 and 1.0 are different keys", () => {
    const key = (type: string, value: string) =>
      keyTextOf(encode(JSON.stringify({ id: { [type]: value } })), [{ name: "id", type }]);
    for (const type of ["S", "B"]) expect(key(type, "1")).not.toBe(key(type, "1.0"));
    expect(key("N", "1")).toBe(key("N", "1.0"));
  });

  test("differs for different numbers", () => {
    const digits = fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n });
    return fc.assert(
      fc.property(digits, digits, fc.integer({ min: 0, max: 9 }), (a, b, zeros) => {
        const spelled = `${a}${"0".repeat(zeros)}e-${zeros}`;
        expect(canonicalNumber(spelled)).toBe(canonicalNumber(String(a)));
        expect(canonicalNumber(String(a)) === canonicalNumber(String(b))).toBe(a === b);
      }),
    );
  });

  test("does not depend on the formatting of the item's JSON, nor on its other attributes", () => {
    return fc.assert(
      fc.property(anyString(0), fc.string(), (pk, other) => {
        const [written] = fc.sample(
          oddJson(fc.constant({ x: { S: other }, sk: { N: "1.50" }, pk: { S: pk } })),
          1,
        );
        const plain = JSON.stringify({ pk: { S: pk }, sk: { N: "15e-1" } });
        expect(keyTextOf(encode(written!.text), keys)).toBe(keyTextOf(encode(plain), keys));
      }),
    );
  });

  test("differs for keys whose concatenated values are equal", () => {
    const two = [keys[0]!, { name: "sk", type: "S" }];
    const key = (pk: string, sk: string) =>
      keyTextOf(encode(JSON.stringify({ pk: { S: pk }, sk: { S: sk } })), two);
    expect(key("a", "bc")).not.toBe(key("ab", "c"));
    expect(key("a,b", "c")).not.toBe(key("a", "b,c"));
  });

  test.each([
    ['{"pk":{"S":"a"}}', "has no key attribute sk (N)"],
    ['{"pk":{"N":"1"},"sk":{"N":"1"}}', "has the key attribute pk of type N, but the table's is of type S"],
    [
      '{"pk":{"S":"a","N":"1"},"sk":{"N":"1"}}',
      "has the key attribute pk, whose value does not have exactly one type",
    ],
    ['{"pk":{},"sk":{"N":"1"}}', "has the key attribute pk, whose value does not have exactly one type"],
    ['{"pk":{"S":1},"sk":{"N":"1"}}', "has the key attribute pk, whose value is not a string"],
  ])("of %s is an error", (item, message) => {
    expect(() => keyTextOf(encode(item), keys)).toThrow(message);
  });

  test("attribute names are decoded, with their escapes", () => {
    expect(attributeNames(encode('{"a\\u0062":{"S":""},"c":{"S":""}}'))).toEqual(["ab", "c"]);
  });
});
