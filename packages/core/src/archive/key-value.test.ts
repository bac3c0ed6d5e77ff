import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyString } from "../testing/any-string.ts";
import { compareKeyValues } from "./key-value.ts";

const sign = (order: number) => Math.sign(order);

describe("the order of key values is DynamoDB's", () => {
  test("strings by UTF-8 bytes, also beyond the basic plane", () => {
    const unit = fc.constantFrom("a", "b", "é", "\ud7ff", "\uffff", "\u{1f600}", "\u{10000}", "\u0000", "");
    const text = fc.oneof(
      fc.array(unit, { maxLength: 4 }).map((all) => all.join("")),
      anyString(0),
    );
    return fc.assert(
      fc.property(text, text, (a, b) => {
        expect(sign(compareKeyValues("S", a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  test("binaries by unsigned bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 5 });
    return fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [x, y] = [a, b].map((one) => Buffer.from(one).toString("base64"));
        expect(sign(compareKeyValues("B", x!, y!))).toBe(Buffer.compare(a, b));
      }),
    );
  });

  test("numbers by value, in any spelling", () => {
    const digits = fc.oneof(
      fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
      fc.bigInt({ min: -20n, max: 20n }),
    );
    const zeros = fc.integer({ min: 0, max: 9 });
    return fc.assert(
      fc.property(digits, zeros, digits, zeros, (a, i, b, j) => {
        // a·10⁻ⁱ and b·10⁻ʲ as whole multiples of 10⁻⁹.
        const [x, y] = [a * 10n ** BigInt(9 - i), b * 10n ** BigInt(9 - j)];
        expect(sign(compareKeyValues("N", `${a}e-${i}`, `${b}0e-${j + 1}`))).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
    );
  });

  test("a text that is not a number is an error", () => {
    expect(() => compareKeyValues("N", "x", "1")).toThrow(new SyntaxError('"x" is not a number'));
  });
});
