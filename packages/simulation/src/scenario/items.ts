/**
 * The items of a run: their texts by number and version, and the names by which checks identify them.
 */

import type { KeyType } from "@ferry/core/archive/key-value";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { sortable } from "@ferry/memory/order";
import type { Scenario } from "./scenario.ts";

export type Items = ReturnType<typeof itemsOf>;

/** The items of a scenario. */
export function itemsOf({ data, itemBytes, partitions }: Scenario) {
  const numbers = new Map<string, number>();
  const [hash, range] = data.keys;
  const keyValue = data.oddKeys ? oddValue : plainValue;
  const filler = fillerOf(data.items, itemBytes);

  /** The key of an item. */
  function key(n: number): DynamoKey {
    const entries: [string, Record<string, string>][] = [
      [hash.name, { [hash.type]: keyValue(hash.type, range === undefined ? n : n % partitions) }],
    ];
    if (range !== undefined) entries.push([range.name, { [range.type]: keyValue(range.type, n) }]);
    const own = Object.fromEntries(entries) as DynamoKey;
    numbers.set(nameOfKey(own), n);
    return own;
  }

  /** The name of an item, from its text: the same for every spelling of its key. */
  function nameOf(text: string): string {
    return nameOfKey(JSON.parse(text) as DynamoKey);
  }

  function nameOfKey(item: DynamoKey): string {
    return JSON.stringify(
      data.keys.map(({ name, type }) => {
        const value = (item[name] as Record<string, unknown>)[type];
        return type === "N" ? sortable("N", value) : value;
      }),
    );
  }

  return {
    key,
    nameOf,
    /** The texts of items by their names. */
    byName: (texts: readonly string[]): ReadonlyMap<string, string> =>
      new Map(texts.map((text) => [nameOf(text), text])),
    /** The text of an item: DynamoDB JSON. `version` distinguishes texts that were written at different times. */
    text(n: number, version: string) {
      const own = key(n);
      const members = data.keys.map(({ name }) => `${spelled(name, n)}:${JSON.stringify(own[name])}`);
      members.splice(1, 0, `"v":{"S":"${version}"}`);
      members.push(`"f":{"S":"${filler}"}`);
      if (data.items === "odd") members.splice(n % members.length, 0, ...oddAttributes(n));
      return `{${members.join(",")}}`;
    },
    /** The number of an item whose text or key was made here. */
    numberOf(name: string) {
      const n = numbers.get(name);
      if (n === undefined) throw new Error(`no item was made with the key ${name}`);
      return n;
    },
  };
}

/** An attribute name; some are written with an unnecessary escape. */
function spelled(name: string, n: number): string {
  return n % 7 === 3 && name === "pk" ? '"\\u0070k"' : JSON.stringify(name);
}

function plainValue(type: KeyType, n: number): string {
  if (type === "S") return `p-${n}`;
  return type === "N" ? String(n) : bytesOf(n).toString("base64");
}

/** One of several kinds of values; each number has a different one. */
function oddValue(type: KeyType, n: number): string {
  const kinds = { S: oddStrings, N: oddNumbers, B: oddBinaries }[type];
  return kinds[n % kinds.length]!(n);
}

const oddStrings: readonly ((n: number) => string)[] = [
  (n) => `p-${n}`,
  (n) => `"quoted" \\${n}`,
  (n) => `ключ-é-${n}`,
  (n) => `\u{1f600}${n}\u{1d4b3}`,
  (n) => `]}],"LastEvaluatedKey":{"pk":{"S":"${n}"}}`,
  (n) => `\u0000\u001f\n\u2028${n}\t`,
  (n) => `${n}\\`,
  (n) => `${"x".repeat(900)}${n}`,
];

const oddNumbers: readonly ((n: number) => string)[] = [
  (n) => String(n),
  // 38 digits: a double would lose the last digits.
  (n) => `1234567890123456789012345678${String(n).padStart(10, "0")}`,
  (n) => `-${n}.5`,
  (n) => `${n + 1}E-120`,
  (n) => `9.${String(n).padStart(36, "0")}1E+100`,
];

const oddBinaries: readonly ((n: number) => string)[] = [
  (n) => bytesOf(n).toString("base64"),
  (n) => Buffer.concat([Buffer.from([0xff, 0xfe, 0x00]), bytesOf(n)]).toString("base64"),
  (n) => Buffer.concat([bytesOf(n), Buffer.from([0xfb, 0xff])]).toString("base64"),
];

/** Four bytes. */
function bytesOf(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

function fillerOf(kind: Scenario["data"]["items"], bytes: number): string {
  if (kind !== "wide") return "é".repeat(bytes % 3) + "x".repeat(bytes);
  // Characters of four bytes, at every offset from a chunk's boundary.
  return "x".repeat(bytes % 4) + "\u{1f600}".repeat(Math.floor(bytes / 4));
}

/** Attributes of every type, by the item's number. */
function oddAttributes(n: number): readonly string[] {
  const all = [
    `"empty":{"S":""}`,
    `"名前":{"S":"\\u0061\\/\\"\\\\\\ud83d\\ude00"}`,
    `"digits":{"N":"0.${String(n).padStart(38, "1")}"}`,
    `"bytes":{"B":"${Buffer.alloc(n % 200, n % 256).toString("base64")}"}`,
    `"sets":{"L":[{"SS":["b","a"]},{"NS":["1E-130","-9.9E+125"]},{"BS":["Ag==","AQ=="]}]}`,
    `"map":{"M":{"l":{"L":[{"M":{}},{"L":[]},{"S":""},{"BOOL":true},{"NULL":true}]},"\\"":{"S":"}],"}}}`,
    `"PutRequest": {"M" : {"Item":{"S":"x"}}}`,
    `"deep":${'{"L":['.repeat(30)}{"S":"bottom"}${"]}".repeat(30)}`,
  ];
  return all.filter((_, i) => (n + i) % 3 === 0);
}
