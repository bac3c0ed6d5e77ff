/**
 * `only` of a scenario's restores: keys of items that exist and of some that do not, as partitions, whole keys and ranges.
 */
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { sortable } from "@ferry/memory/order";
import { itemsOf } from "./items.ts";
import type { Scenario } from "./scenario.ts";

const SELECTIONS_MAX = 12;

/** The scenario with `only`, if its restores are to have it. Derived, not drawn, so that each seed keeps its scenario. */
export function withOnly(scenario: Scenario): Scenario {
  const { kind, data, backup, restore } = scenario;
  const seed = Number(backup["batch-bytes"]);
  if (kind === "backup" || data.source.fault !== undefined || seed % 4 !== 1) return scenario;
  return { ...scenario, restore: { ...restore, only: onlyOf(scenario, seed) } };
}

function onlyOf(scenario: Scenario, seed: number): DynamoKey[] {
  const { key } = itemsOf(scenario);
  const step = Math.max(1, Math.floor(scenario.items / (1 + (seed % SELECTIONS_MAX))));
  const numbers = Array.from({ length: SELECTIONS_MAX }, (_, i) => i * step).filter(
    (n) => n < scenario.items,
  );
  // The last one has no item.
  return [...numbers, scenario.items + 5].map((n, i) =>
    selection(scenario, key(n), key(n + 1), (seed + i) % 4),
  );
}

/** A selection of a kind: the whole partition, the key, the keys between it and another, or those from it on. */
function selection({ data }: Scenario, own: DynamoKey, another: DynamoKey, kind: number): DynamoKey {
  const [hash, sort] = data.keys;
  const partition = [hash.name, own[hash.name]!] as const;
  if (sort === undefined || kind === 0) return Object.fromEntries([partition]);
  const [value, other] = [own[sort.name]!, another[sort.name]!];
  if (kind === 1) return Object.fromEntries([[sort.name, respelled(value)], partition]);
  const ends = [value, other].sort((a, b) => (rank(sort.type, a) < rank(sort.type, b) ? -1 : 1));
  const range = kind === 2 ? { from: ends[0], to: ends[1] } : { from: value };
  return Object.fromEntries([partition, [sort.name, range]]) as DynamoKey;
}

function rank(type: "S" | "N" | "B", value: DynamoKey[string]): string {
  return sortable(type, value[type]);
}

/** The same number in another spelling. */
function respelled(value: DynamoKey[string]): DynamoKey[string] {
  const number = value["N"];
  return typeof number === "string" && /^-?\d{1,20}$/.test(number) ? { N: `${number}.0` } : value;
}
