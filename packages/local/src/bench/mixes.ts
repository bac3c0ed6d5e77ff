/**
 * The items of the bench: five mixes, each from a fixed seed, so that every process makes the same bytes.
 */
import { fnv1a, seeded } from "@ferry/core/hash";

/** An attribute value as DynamoDB JSON. */
type Value =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly M: Readonly<Record<string, Value>> }
  | { readonly L: readonly Value[] };
type Item = Readonly<Record<string, Value>>;

/** A source of random values. */
interface Source {
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
  /** Text of about `bytes` bytes. */
  text(bytes: number): string;
  /** Base64 of `bytes` bytes that barely compress. */
  base64(bytes: number): string;
}

const mixes = {
  /** Four short attributes: about 100 bytes of JSON. */
  flat: (n: number, { below }: Source): Item => ({
    id: { S: `user#${String(n).padStart(8, "0")}` },
    at: { N: String(1_700_000_000 + below(90_000_000)) },
    state: { S: ["active", "paused", "closed"][below(3)]! },
    points: { N: String(below(10_000)) },
  }),
  /** Maps and lists: about 500 bytes of JSON. */
  nested: (n: number, { below, text }: Source): Item => ({
    id: { S: `order#${String(n).padStart(8, "0")}` },
    customer: { M: { name: { S: text(16) }, since: { N: String(2000 + below(26)) } } },
    lines: {
      L: Array.from({ length: 3 }, () => ({
        M: {
          sku: { S: `sku-${below(100_000)}` },
          count: { N: String(1 + below(9)) },
          gift: { BOOL: below(2) === 0 },
        },
      })),
    },
    note: { S: text(90) },
    total: { N: `${below(100_000)}.${below(100)}` },
  }),
  /** Long texts: 50 KB. */
  documents: (n: number, { below, text }: Source): Item => ({
    id: { S: `document#${String(n).padStart(8, "0")}` },
    title: { S: text(40) },
    body: { S: text(48_000) },
    summary: { S: text(1_500) },
    words: { N: String(below(10_000)) },
  }),
  /** Binary of 8 KB, which is base64 in JSON. */
  binary: (n: number, { below, base64 }: Source): Item => ({
    id: { S: `blob#${String(n).padStart(8, "0")}` },
    data: { B: base64(8_192) },
    hash: { B: base64(32) },
    kind: { N: String(below(10)) },
  }),
  /** 200 short attributes: about 6 KB of JSON. */
  attributes: (n: number, { below, text }: Source): Item => ({
    id: { S: `record#${String(n).padStart(8, "0")}` },
    ...Object.fromEntries(
      Array.from({ length: 199 }, (_, i) => [
        `attribute${i}`,
        i % 2 === 0 ? { N: String(below(100_000)) } : { S: text(12) },
      ]),
    ),
  }),
};

export type Mix = keyof typeof mixes;
export const mixNames = Object.keys(mixes) as Mix[];

/** The most bytes of one page of a scan, as DynamoDB counts them. */
const PAGE_BYTES = 1024 * 1024;

/** The items of `count` pages of a mix, each item as DynamoDB JSON. */
export function pagesOf(mix: Mix, count: number): string[][] {
  const source = openSource(seeded(fnv1a(mix)));
  let n = 0;
  return Array.from({ length: count }, () => {
    const page: string[] = [];
    for (let bytes = 0; bytes < PAGE_BYTES; ) {
      const item = mixes[mix](n++, source);
      bytes += sizeOf({ M: item });
      page.push(JSON.stringify(item));
    }
    return page;
  });
}

/** About as DynamoDB counts: names and values, two digits of a number in a byte. */
function sizeOf(value: Value): number {
  if ("S" in value) return value.S.length;
  if ("N" in value) return Math.ceil(value.N.length / 2) + 1;
  if ("B" in value) return (value.B.length / 4) * 3;
  if ("M" in value)
    return Object.entries(value.M).reduce((sum, [name, member]) => sum + name.length + 1 + sizeOf(member), 3);
  if ("L" in value) return value.L.reduce((sum, element) => sum + 1 + sizeOf(element), 3);
  return 1;
}

function openSource(random: () => number): Source {
  const below = (limit: number) => Math.floor(random() * limit);
  const words = Array.from({ length: 3000 }, () =>
    Array.from({ length: 2 + below(9) }, () => String.fromCharCode(97 + below(26))).join(""),
  );
  return {
    below,
    text(bytes) {
      let text = "";
      // The square makes some words much more frequent than others, as in a language.
      while (text.length < bytes) text += `${words[Math.floor(random() ** 2 * words.length)]} `;
      return text.slice(0, bytes);
    },
    base64: (bytes) => Buffer.from(Array.from({ length: bytes }, () => below(256))).toString("base64"),
  };
}
