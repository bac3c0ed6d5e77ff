/**
 * Compares items by value: DynamoDB stores an item's values, not its JSON text.
 */
import { canonicalNumber } from "./key-value.ts";

type Value = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder();

/**
 * A normalized string of an item in DynamoDB JSON. Items with the same attributes have equal strings, in any order of members
 * and sets and any spelling of numbers. Throws a SyntaxError if it is not JSON.
 */
export function itemText(item: Uint8Array): string {
  return JSON.stringify(mapOf(JSON.parse(decoder.decode(item)) as Readonly<Record<string, Value>>));
}

/** A normalized string of one value in DynamoDB JSON. Throws a SyntaxError if it is not JSON. */
export function valueText(value: Uint8Array): string {
  return JSON.stringify(comparable(JSON.parse(decoder.decode(value)) as Value));
}

function mapOf(map: Readonly<Record<string, Value>>): [string, unknown][] {
  return Object.keys(map)
    .sort()
    .map((name) => [name, comparable(map[name]!)]);
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
