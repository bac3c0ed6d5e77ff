/**
 * For tests: JSON texts that are not what `JSON.stringify` would write, with the values they stand for, and items as
 * DynamoDB JSON. What passes them through unchanged parses nothing.
 */
import * as fc from "fast-check";

/** A value, and one of the many texts it may have. */
export interface OddText {
  readonly value: unknown;
  readonly text: string;
}

/** Any JSON value as an odd text: white space anywhere, escapes where none are needed, keys in any order. */
export function oddJson(value: fc.Arbitrary<unknown>): fc.Arbitrary<OddText> {
  return fc
    .tuple(value, fc.infiniteStream(fc.nat(99)))
    .map(([one, choices]) => ({ value: one, text: print(one, () => choices.next().value as number) }));
}

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("", '"', "\\", "\u2028", '{"Item":[', "]}\n", "\ud83d\ude80", "a/b"),
);
/**
 * Names hold no backslash: V8's JSON.parse can take an escaped name for a raw one that starts like it, so it is no
 * judge of them. The cutter reads names one by one, which is not affected.
 */
export const names = text.filter((name) => !name.includes("\\"));
const digits = fc.constantFrom(
  "0",
  "-1.5",
  "12345678901234567890123456789012345678",
  "-9.9999999999999999999999999999999999999E+125",
  "1E-130",
);

/** Attribute values as DynamoDB JSON has them, of every type. */
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

/** Items with the hash key `id` (S), unique among each other. */
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
