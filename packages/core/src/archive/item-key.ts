/**
 * Item keys compared by value, as a table compares them.
 */
import { members, type Span } from "./cutter.ts";
import { canonicalNumber } from "./key-value.ts";
import type { KeySchema } from "./table-settings.ts";

const decoder = new TextDecoder();

/** A key that does not match the table's key schema. The message is a predicate whose subject is the line or item. */
export class KeyMismatch extends Error {}

/**
 * The key of an item, or of a change's `Keys`, as a string. Keys that DynamoDB treats as equal have equal strings, however
 * they are written. Throws a KeyMismatch if a key attribute is missing or has another type, a SyntaxError if it is not JSON.
 */
export function keyTextOf(item: Uint8Array, keys: KeySchema): string {
  const attributes = new Map(members(item).map((member) => [member.name, member]));
  return JSON.stringify(keys.map((key) => keyValueOf(item, attributes.get(key.name), key)));
}

/** The names of an item's attributes, in order. */
export function attributeNames(item: Uint8Array): string[] {
  return members(item).map(({ name }) => name);
}

/**
 * The value of a key attribute at `span` of an item, as a string. Values that DynamoDB treats as equal have equal strings. Throws
 * as `keyTextOf` does.
 */
export function keyValueOf(
  item: Uint8Array,
  span: Span | undefined,
  { name, type }: KeySchema[number],
): string {
  if (span === undefined) throw new KeyMismatch(`has no key attribute ${name} (${type})`);
  const [value, ...more] = members(item, span.start);
  if (value === undefined || more.length > 0)
    throw new KeyMismatch(`has the key attribute ${name}, whose value does not have exactly one type`);
  if (value.name !== type)
    throw new KeyMismatch(
      `has the key attribute ${name} of type ${value.name}, but the table's is of type ${type}`,
    );
  const parsed: unknown = JSON.parse(decoder.decode(item.subarray(value.start, value.end)));
  if (typeof parsed !== "string")
    throw new KeyMismatch(`has the key attribute ${name}, whose value is not a string`);
  return type === "N" ? canonicalNumber(parsed) : parsed;
}
