/**
 * `only` of a restore request: the keys of the items to restore. Each selection names a partition key, and may name a sort key or
 * a range of it:
 *
 *     { "customer": { "S": "c-17" } }
 *     { "customer": { "S": "c-17" }, "order": { "S": "o-1" } }
 *     { "customer": { "S": "c-17" }, "order": { "from": { "S": "2026-01" }, "to": { "S": "2026-02" } } }
 */
import * as v from "valibot";
import { compareKeyValues, type KeyType, keyTypes, keyValueFault } from "../archive/key-value.ts";
import { quoted } from "../errors/quote.ts";

/** The value of a key attribute in DynamoDB JSON: one type, S, N or B, and its text. */
export type KeyValue = Readonly<Partial<Record<KeyType, string>>>;
/** A range of a sort key. Both ends belong to it; it has at least one. */
export interface KeyRange {
  readonly from?: KeyValue;
  readonly to?: KeyValue;
}
/** The items with one partition key, or some of them: attribute name → value or range. */
export type KeySelection = Readonly<Record<string, KeyValue | KeyRange>>;
export type Only = readonly KeySelection[];

/** The most selections of a request. */
export const ONLY_MAX = 100;
/** The most JSON of all selections. The task's row has them, and at most 400 KB. */
export const ONLY_BYTES_MAX = 32 * 1024;
/** The most segments of a restore with `only`, whose row has one more number for each. */
export const ONLY_SEGMENTS_MAX = 1000;

/** The schema of `only`. It returns the value unchanged: an object schema would drop an attribute named like `constructor`. */
export const onlySchema = v.pipe(
  v.custom<Only>(Array.isArray, "only must be a list of keys"),
  v.minLength(1, "only must have at least one key"),
  v.maxLength(ONLY_MAX, `only must have at most ${ONLY_MAX} keys`),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [i, selection] of dataset.value.entries())
      for (const { at, expected, got } of faultsOf(selection))
        addIssue({ message: `only[${i}]${at} must be ${expected}`, input: got });
    const bytes = new TextEncoder().encode(JSON.stringify(dataset.value)).length;
    if (bytes > ONLY_BYTES_MAX)
      addIssue({ message: `only must be at most ${ONLY_BYTES_MAX} bytes of JSON`, input: bytes });
  }),
);

/** What is wrong with keys, each issue a sentence without its end. */
export function onlyIssues(only: unknown): string[] {
  const { issues = [] } = v.safeParse(onlySchema, only);
  return issues.map(({ message, input }) => `${message}: got ${quoted(input)}`);
}

/** What is wrong with a part of a selection. `at`: the part's path, empty for the whole. */
interface Fault {
  readonly at: string;
  readonly expected: string;
  readonly got: unknown;
}

function faultsOf(selection: unknown): Fault[] {
  if (!isObject(selection)) return [{ at: "", expected: "an object", got: selection }];
  const attributes = Object.entries(selection);
  if (attributes.length < 1 || attributes.length > 2)
    return [{ at: "", expected: "an object with one or two key attributes", got: selection }];
  const faults = attributes.flatMap(([name, condition]) =>
    isRange(condition) ? rangeFaults(name, condition) : valueFaults(name, condition),
  );
  if (faults.length === 0 && attributes.every(([, condition]) => isRange(condition)))
    return [{ at: "", expected: "an object with the partition key's value", got: selection }];
  return faults;
}

function valueFaults(at: string, value: unknown): Fault[] {
  const fault = (expected: string): Fault[] => [{ at: `.${at}`, expected, got: value }];
  const [type, ...more] = isObject(value) ? Object.keys(value) : [];
  if (type === undefined || more.length > 0 || !isKeyType(type))
    return fault('a value in DynamoDB JSON, {"S":…}, {"N":…} or {"B":…}, or a range {"from":…,"to":…}');
  const text = (value as Readonly<Record<string, unknown>>)[type];
  const wrong = keyValueFault(type, text);
  return wrong === undefined ? [] : [{ at: `.${at}.${type}`, expected: wrong, got: text }];
}

function rangeFaults(at: string, range: KeyRange): Fault[] {
  const faults = Object.entries(range).flatMap(([end, value]) => valueFaults(`${at}.${end}`, value));
  const { from, to } = range;
  if (faults.length > 0 || from === undefined || to === undefined) return faults;
  const [[type, low], [other, high]] = [typedText(from), typedText(to)];
  if (type !== other) return [{ at: `.${at}`, expected: "a range between values of one type", got: range }];
  return compareKeyValues(type, low, high) <= 0
    ? []
    : [{ at: `.${at}`, expected: "a range whose from is not after its to", got: range }];
}

/** Whether a condition of an attribute is a range. */
export function isRange(condition: unknown): condition is KeyRange {
  return (
    isObject(condition) &&
    Object.keys(condition).length > 0 &&
    Object.keys(condition).every((name) => name === "from" || name === "to")
  );
}

/** The type and the text of a valid value. */
export function typedText(value: KeyValue): readonly [type: KeyType, text: string] {
  return Object.entries(value)[0] as [KeyType, string];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isKeyType(type: string): type is KeyType {
  return (keyTypes as readonly string[]).includes(type);
}
