/**
 * Items' keys: read from their bytes, in the order of a scan.
 */

import type { KeyType } from "@ferry/core/archive/key-value";
import { fnv1a } from "@ferry/core/hash";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { sortable } from "./order.ts";

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** A table's key attributes: hash first, then range. */
export type KeyAttributes = readonly [KeyAttribute] | readonly [KeyAttribute, KeyAttribute];

export interface ItemKey {
  /** The position of the item's partition in the table's 32-bit hash space. */
  readonly position: number;
  /** The key's values as sortable texts. */
  readonly values: readonly string[];
  readonly json: DynamoKey;
}

const HASH_SPACE = 2 ** 32;
const decoder = new TextDecoder("utf-8", { fatal: true });
/** DynamoDB's size limits of hash and range values. */
const BYTES_MAX = [2048, 1024];

/** The key in an item's bytes. Throws a RangeError or SyntaxError if it does not match the table's schema. */
export function readKey(item: Uint8Array, attributes: KeyAttributes): ItemKey {
  const parsed: unknown = JSON.parse(decoder.decode(item));
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new RangeError("an item must be an object");
  return keyOf(parsed as DynamoKey, attributes);
}

/** The key in the values of an item or a start key. */
export function keyOf(item: DynamoKey, attributes: KeyAttributes): ItemKey {
  const values = attributes.map(({ name, type }, i) => {
    const value = item[name];
    if (value === undefined) throw new RangeError(`missing the key ${name} in the item`);
    if (Object.keys(value).join() !== type)
      throw new RangeError(
        `type mismatch for key ${name}: expected ${type}, got ${Object.keys(value).join()}`,
      );
    const text = sortable(type, value[type]);
    if (type !== "N" && text === "") throw new RangeError(`the key ${name} must not be empty`);
    if (type !== "N" && text.length / 2 > BYTES_MAX[i]!)
      throw new RangeError(`the key ${name} exceeds ${BYTES_MAX[i]} bytes`);
    return text;
  });
  return {
    position: scattered(fnv1a(values[0]!)),
    values,
    json: Object.fromEntries(attributes.map(({ name }) => [name, item[name]!])),
  };
}

/** The order of a scan: by partition, then by range. */
export function compareKeys(a: ItemKey, b: ItemKey): number {
  if (a.position !== b.position) return a.position - b.position;
  for (let i = 0; i < a.values.length; i++) {
    if (a.values[i]! < b.values[i]!) return -1;
    if (a.values[i]! > b.values[i]!) return 1;
  }
  return 0;
}

/** The segment of a parallel scan that reads this key: segments are equal parts of the hash space. */
export function segmentOf(key: ItemKey, totalSegments: number): number {
  return Math.floor((key.position * totalSegments) / HASH_SPACE);
}

/** MurmurHash3's finalizer: FNV's high bits, which decide the segment, hardly differ between short texts. */
function scattered(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
