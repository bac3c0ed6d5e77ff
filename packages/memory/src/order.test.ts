import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareUtf8, sortable } from "./order.ts";

/** Numbers in many notations, with their exact values. */
const decimal = fc
  .record({
    negative: fc.boolean(),
    digits: fc.stringMatching(/^[0-9]{1,38}$/),
    exponent: fc.integer({ min: -60, max: 60 }),
    plus: fc.boolean(),
  })
  .map(({ negative, digits, exponent, plus }) => ({
    text: `${negative ? "-" : ""}${digits}e${plus && exponent >= 0 ? "+" : ""}${exponent}`,
    // Exact: the number times ten to the sixtieth.
    value: BigInt(`${negative ? "-" : ""}${digits}`) * 10n ** BigInt(exponent + 60),
  }));

describe("the order of key values", () => {
  it("of numbers is by value, whatever their notation", () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        const [x, y] = [sortable("N", a.text), sortable("N", b.text)];
        const order = a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(order);
      }),
    );
  });

  it("treats all notations of a number as equal", () => {
    const notations = ["1", "1.0", "01", "10e-1", "0.1E1", "+1", "1.", "1e+0"];
    expect(new Set(notations.map((text) => sortable("N", text))).size).toBe(1);
    expect(new Set(["0", "-0", "0.000", "0e9"].map((name) => sortable("N", name))).size).toBe(1);
  });

  it.each(["", ".", "1e", "abc", "1 ", "0x1", "NaN", "1".repeat(39), "1e126", "1e-131"])(
    "refuses the number %j",
    (text) => {
      expect(() => sortable("N", text)).toThrow(RangeError);
    },
  );

  it("accepts DynamoDB's extreme numbers", () => {
    for (const text of ["9".repeat(38), "9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130"])
      expect(sortable("N", text)).toMatch(/^[46]/);
  });

  it("of strings is by UTF-8 bytes, not UTF-16 units", () => {
    // U+FF5E is above U+1F600's surrogates in UTF-16, and below U+1F600 in UTF-8.
    expect("\uff5e" > "\u{1f600}").toBe(true);
    expect(sortable("S", "\uff5e") < sortable("S", "\u{1f600}")).toBe(true);
    expect(compareUtf8("\uff5e", "\u{1f600}")).toBe(-1);
  });

  it("of texts is that of their UTF-8 bytes", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "\uff5e", "\u{1f600}", "\u{1f601}") });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(compareUtf8(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it("of binaries is by unsigned bytes, a prefix first", () => {
    const sorted = [[0], [0, 0], [0x7f], [0x80], [0xff], [0xff, 0]];
    const texts = sorted.map((bytes) => sortable("B", Buffer.from(bytes).toString("base64")));
    expect(texts.toSorted()).toEqual(texts);
  });
});
