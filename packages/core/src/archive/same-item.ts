/**
 * Items compared by value: what DynamoDB keeps of an item is its values, not the text in which it came.
 */
import { canonicalNumber } from "./item-key.ts";

type Value = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder();

/**
 * An item, as DynamoDB JSON, as a text: equal for items with the same attributes, however members, sets and numbers are
 * written. Throws a SyntaxError where it is no JSON.
 */
export function itemText(item: Uint8Array): string {
  return JSON.stringify(mapOf(JSON.parse(decoder.decode(item)) as Readonly<Record<string, Value>>));
}

/** A value, as DynamoDB JSON, as a text in the same way. Throws a SyntaxError where it is no JSON. */
export function valueText(value: Uint8Array): string {
  return JSON.stringify(comparable(JSON.parse(decoder.decode(value)) as Value));
}

function mapOf(map: Readonly<Record<string, Value>>): [string, unknown][] {
  return Object.entries(map)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, comparable(value)]);
}

function comparable(value: Value): unknown {
  const [[type, inner] = ["", undefined]] = Object.entries(value);
  switch (type) {
    case "N":
      return [type, canonicalNumber(String(inner))];
    case "NS":
      return [type, (inner as string[]).map(canonicalNumber).sort()];
    case "SS":
    case "BS":
      return [type, (inner as string[]).toSorted()];
    case "M":
      return [type, mapOf(inner as Readonly<Record<string, Value>>)];
    case "L":
      return [type, (inner as Value[]).map(comparable)];
    default:
      return [type, inner];
  }
}
