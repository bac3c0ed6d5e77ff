/**
 * For tests: unusual JSON texts with their values, and items as DynamoDB JSON. Code that returns such texts unchanged
 * did not parse and serialize them.
 */
import * as fc from "fast-check";
import { anyString } from "./any-string.ts";

/** A value and one of its possible JSON texts. */
export interface OddText {
  readonly value: unknown;
  readonly text: string;
}

/** A JSON value as an unusual text: white space in any place, unnecessary escapes, names in any order. */
export function oddJson(value: fc.Arbitrary<unknown>): fc.Arbitrary<OddText> {
  return fc
    .tuple(value, fc.infiniteStream(fc.nat(99)))
    .map(([one, choices]) => ({ value: one, text: print(one, () => choices.next().value as number) }));
}

/** JSON escapes the code points before a space. */
const SPACE = 0x20;
const text = fc.oneof(
  anyString(SPACE, { maxLength: 12 }),
  fc.constantFrom("", '"', "\\", "\u2028", '{"Item":[', "]}\n", "\ud83d\ude80", "a/b", "it's"),
);
/**
 * Names contain no backslash, and no double quote, which JSON escapes with a backslash: V8's JSON.parse can mistake an escaped
 * name for a raw name with the same start, so it gives no reliable expected value. The cutter parses each name separately and is not affected.
 */
export const names = text.filter((name) => !/["\\]/.test(name));
const digits = fc.constantFrom(
  "0",
  "-1.5",
  "12345678901234567890123456789012345678",
  "-9.9999999999999999999999999999999999999E+125",
  "1E-130",
);

/** Attribute values as DynamoDB JSON, of every type. */
const attribute: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ value: Record<string, unknown> }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.record({ S: text }),
      fc.record({ N: digits }),
      fc.record({ B: fc.base64String({ maxLength: 16 }) }),
      fc.record({ BOOL: fc.boolean() }),
      fc.record({ NULL: fc.constant(true) }),
      fc.record({ SS: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }) }),
      fc.record({ NS: fc.uniqueArray(digits, { minLength: 1, maxLength: 3 }) }),
      fc.record({ L: fc.array(tie("value"), { maxLength: 3 }) }),
      fc.record({ M: fc.dictionary(names, tie("value"), { maxKeys: 3 }) }),
    ),
  }),
).value;

/** Items with distinct hash keys `id` (S). */
export function itemsArbitrary(maxLength: number): fc.Arbitrary<Record<string, unknown>[]> {
  return fc
    .array(fc.dictionary(names, attribute, { maxKeys: 4 }), { maxLength })
    .map((items) => items.map((item, i) => ({ ...item, id: { S: `item-${i}` } })));
}

function print(value: unknown, choice: () => number): string {
  const space = () => ["", "", "", " ", "\n", "\t ", "\r\n"][choice() % 7] ?? "";
  if (typeof value === "string") return printString(value, choice);
  if (Array.isArray(value))
    return `[${space()}${value.map((one) => space() + print(one, choice) + space()).join(",")}${space()}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (choice() % 2 === 0) entries.reverse();
    const members = entries.map(
      ([name, one]) =>
        `${space()}${printString(name, choice)}${space()}:${space()}${print(one, choice)}${space()}`,
    );
    return `{${space()}${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

function printString(value: string, choice: () => number): string {
  const plain = JSON.stringify(value);
  if (choice() % 3 !== 0) return plain;
  const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}
