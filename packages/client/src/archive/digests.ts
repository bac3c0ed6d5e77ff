/**
 * Digests of sets of items that do not depend on the items' order.
 */
import { hash } from "node:crypto";
import { keyTextOf } from "@ferry/core/archive/item-key";
import { itemText } from "@ferry/core/archive/same-item";
import type { KeySchema } from "@ferry/core/archive/table-settings";
import { fnv1a } from "@ferry/core/hash";

/** An item's key and digest. Equal items have equal digests, however they are written. */
export interface DigestedItem {
  /** Keys that DynamoDB treats as equal are equal texts. */
  readonly key: string;
  /** SHA-256 of the normalized item. */
  readonly digest: Uint8Array;
}

/** Digests an item. Throws a KeyMismatch or a SyntaxError, as the engine's functions do. */
export function digestItem(item: Uint8Array, keys: KeySchema): DigestedItem {
  return { key: keyTextOf(item, keys), digest: hash("sha256", itemText(item), "buffer") };
}

const WORDS = 4;

/** The digests of `slots` sets. A set's digest is the number of its items and the sum of the first 16 bytes of theirs. */
export interface SetDigests {
  add(slot: number, digest: Uint8Array): void;
  count(slot: number): number;
}

export function openSetDigests(slots: number): SetDigests & { readonly words: Uint32Array } {
  const counts = new Uint32Array(slots);
  const words = new Uint32Array(slots * WORDS);
  return {
    words,
    count: (slot) => counts[slot]!,
    add(slot, digest) {
      counts[slot]!++;
      const view = new DataView(digest.buffer, digest.byteOffset);
      for (let word = 0; word < WORDS; word++) words[slot * WORDS + word]! += view.getUint32(word * 4);
    },
  };
}

type Digests = ReturnType<typeof openSetDigests>;

/** The slots whose sets differ. */
export function differingSlots(a: Digests, b: Digests, slots: number): number[] {
  const differs = (slot: number) =>
    a.count(slot) !== b.count(slot) ||
    a.words
      .subarray(slot * WORDS, (slot + 1) * WORDS)
      .some((word, at) => word !== b.words[slot * WORDS + at]);
  return Array.from({ length: slots }, (_, slot) => slot).filter(differs);
}

/** The slot of a key, from 0 to `slots` - 1: the same one for the same key. */
export function slotOf(key: string, slots: number): number {
  return fnv1a(key) % slots;
}
