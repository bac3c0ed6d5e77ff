/**
 * The proof: both tables read by a stock client and compared item by item. It shares no code with the engine.
 */
import { isDeepStrictEqual } from "node:util";
import { type AttributeValue, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";

const SEGMENTS = 4;

export interface TablePlace {
  readonly region: string;
  readonly table: string;
}

export interface Proof {
  readonly identical: boolean;
  /** Items in either table. */
  readonly source: number;
  readonly copy: number;
  /** The first few items that differ, by key. */
  readonly differences: readonly string[];
}

/** Compares two tables with the keys `country` and `id`. `at` hears how many items were read. */
export async function compareTables(
  source: TablePlace,
  copy: TablePlace,
  at: (count: number) => void,
): Promise<Proof> {
  let read = 0;
  const count = () => at(++read);
  const originals = new Map<string, Record<string, AttributeValue>>();
  for await (const item of scan(source)) {
    originals.set(keyOf(item), item);
    count();
  }
  const differences: string[] = [];
  const found = new Set<string>();
  for await (const item of scan(copy)) {
    const key = keyOf(item);
    found.add(key);
    if (!isDeepStrictEqual(sorted(item), sorted(originals.get(key)))) differences.push(key);
    count();
  }
  for (const key of originals.keys()) if (!found.has(key)) differences.push(`${key} (missing)`);
  return {
    identical: differences.length === 0,
    source: originals.size,
    copy: found.size,
    differences: differences.slice(0, 5),
  };
}

async function* scan({ region, table }: TablePlace) {
  const client = new DynamoDBClient({ region });
  for (let Segment = 0; Segment < SEGMENTS; Segment++)
    for await (const page of paginateScan({ client }, { TableName: table, Segment, TotalSegments: SEGMENTS }))
      yield* page.Items ?? [];
}

function keyOf(item: Record<string, AttributeValue>): string {
  return `${item["country"]?.S} ${item["id"]?.N}`;
}

/** Sets have no order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const isSet = (name === "SS" || name === "NS" || name === "BS") && Array.isArray(one);
      return [name, isSet ? [...one].sort((a, b) => (String(a) < String(b) ? -1 : 1)) : sorted(one)];
    }),
  );
}
