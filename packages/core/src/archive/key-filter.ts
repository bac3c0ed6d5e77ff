/**
 * Finds the items that `only` selects, by their bytes: reads an item no further than its key, and parses nothing else.
 */

import { quoted } from "../errors/quote.ts";
import { isRange, type KeySelection, type KeyValue, type Only, typedText } from "../request/only.ts";
import { findMember, type MemberName, memberName } from "./cutter.ts";
import { KeyMismatch, keyValueOf } from "./item-key.ts";
import { compareKeyValues, type KeyType } from "./key-value.ts";
import { describeKeys, type KeySchema } from "./table-settings.ts";

/** Whether the sort key of an item with a selected partition key is selected, too. */
type IsSelected = (sortKey: string) => boolean;

/**
 * A function that returns whether an item, or a change's `Keys`, has a selected key. Its bytes may continue after the object.
 * Keys that DynamoDB treats as equal are equal, however they are written. The function throws a SyntaxError if the key is missing, has another type, or
 * is not JSON. `only` must fit `keys`.
 */
export function openKeyFilter(only: Only, keys: KeySchema): (item: Uint8Array) => boolean {
  const [hash, sort] = keys.map((key) => ({ key, name: memberName(key.name) }));
  /** Partition key → what is selected of it. */
  const selected = new Map<string, "all" | IsSelected[]>();
  for (const selection of only) {
    const value = textOf(selection[hash!.key.name] as KeyValue, hash!.key);
    const isSelected = sort && sortCondition(selection, sort.key);
    const before = selected.get(value);
    if (isSelected === undefined || before === "all") selected.set(value, "all");
    else selected.set(value, [...(before ?? []), isSelected]);
  }
  return (item) => {
    const found = selected.get(readKey(item, hash!));
    if (found === undefined || found === "all") return found === "all";
    const value = readKey(item, sort!);
    return found.some((isSelected) => isSelected(value));
  };
}

/** The condition of a selection on the sort key; undefined if there is none. */
function sortCondition(selection: KeySelection, key: KeySchema[number]): IsSelected | undefined {
  if (!Object.hasOwn(selection, key.name)) return undefined;
  const condition = selection[key.name]!;
  if (!isRange(condition)) {
    const wanted = textOf(condition, key);
    return (value) => value === wanted;
  }
  const type = key.type as KeyType;
  const [from, to] = [condition.from, condition.to].map((end) => end && typedText(end)[1]);
  return (value) =>
    (from === undefined || compareKeyValues(type, value, from) >= 0) &&
    (to === undefined || compareKeyValues(type, value, to) <= 0);
}

/** A wanted value as `keyValueOf` returns that of an item. */
function textOf(value: KeyValue, key: KeySchema[number]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return keyValueOf(bytes, { start: 0, end: bytes.length }, key);
}

function readKey(item: Uint8Array, { key, name }: { key: KeySchema[number]; name: MemberName }): string {
  try {
    return keyValueOf(item, findMember(item, name), key);
  } catch (error) {
    if (error instanceof KeyMismatch) throw new SyntaxError(`it ${error.message}`);
    throw error;
  }
}

/**
 * The first selection that does not fit a key schema, as a sentence without its end; undefined if all fit. Each must have the
 * partition key's value and no attribute besides the sort key, all of the table's types.
 */
export function onlyMismatch(only: Only, keys: KeySchema): string | undefined {
  const [hash] = keys;
  for (const [i, selection] of only.entries()) {
    const at = `only[${i}]`;
    const has = `the table's keys are ${describeKeys(keys)}`;
    if (!Object.hasOwn(selection, hash!.name))
      return `${at} has no value of the partition key ${hash!.name}: got ${quoted(selection)}; ${has}`;
    for (const [name, condition] of Object.entries(selection)) {
      const key = keys.find((one) => one.name === name);
      if (key === undefined) return `${at} has ${name}, which is not a key attribute; ${has}`;
      if (key === hash && isRange(condition))
        return `${at} has a range of ${name}, but a partition key must have one value; ${has}`;
      const values = isRange(condition) ? [condition.from, condition.to] : [condition];
      for (const value of values) {
        if (value === undefined) continue;
        const [type] = typedText(value);
        if (type !== key.type)
          return `${at} has ${name} of type ${type}, but the table's is of type ${key.type}; ${has}`;
      }
    }
  }
  return undefined;
}
