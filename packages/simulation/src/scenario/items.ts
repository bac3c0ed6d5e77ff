/**
 * The items of a run: texts by key and version, and a record of every version that there ever was.
 */
import type { DynamoKey } from "@ferry/core/events";
import type { Scenario } from "./scenario.ts";

/** The key schema of all tables here. */
export const keys = [
  { name: "pk", type: "S" },
  { name: "sk", type: "N" },
] as const;

/** The text of an item: DynamoDB JSON. `version` tells apart what was written when. */
export function itemText(n: number, version: string, scenario: Scenario): string {
  const filler = "é".repeat(scenario.itemBytes % 3) + "x".repeat(scenario.itemBytes);
  const { pk, sk } = keyOf(n, scenario);
  return `{"pk":${JSON.stringify(pk)},"v":{"S":"${version}"},"sk":${JSON.stringify(sk)},"f":{"S":"${filler}"}}`;
}

/** The key of an item. */
export function keyOf(n: number, { partitions }: Scenario) {
  return { pk: { S: `p-${n % partitions}` }, sk: { N: String(n) } } satisfies DynamoKey;
}

/** What names an item, from its text or from a write's bytes. */
export function nameOfItem(text: string): string {
  const { pk, sk } = JSON.parse(text) as { pk: { S: string }; sk: { N: string } };
  return `${pk.S}/${sk.N}`;
}
