/**
 * Compares two tables item by item, as read by a stock client. It shares no code with the engine.
 */
import { isDeepStrictEqual } from "node:util";
import { type AttributeValue, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";

const SEGMENTS = 4;

/** Items of one table whose counterpart has not been read yet, by key. */
type Unmatched = Map<string, Record<string, AttributeValue>>;

export interface TableLocation {
  readonly region: string;
  readonly table: string;
}

export interface Comparison {
  readonly identical: boolean;
  /** Number of items in each table. */
  readonly source: number;
  readonly copy: number;
  /** The keys of the first few items that differ. */
  readonly differences: readonly string[];
}

/**
 * Compares two tables with the keys `country` and `id`. It reads both at once, and keeps only the items whose counterpart
 * has not been read yet. `onProgress` receives the number of items read.
 */
export async function compareTables(
  source: TableLocation,
  copy: TableLocation,
  onProgress: (count: number) => void,
): Promise<Comparison> {
  const differences: string[] = [];
  let count = 0;
  /** Reads a table; returns its number of items. */
  const read = async (table: TableLocation, own: Unmatched, others: Unmatched): Promise<number> => {
    let found = 0;
    for await (const item of scan(table)) {
      found++;
      onProgress(++count);
      const key = keyOf(item);
      const other = others.get(key);
      if (other === undefined) own.set(key, item);
      else if (!isDeepStrictEqual(sorted(item), sorted(other))) differences.push(key);
      others.delete(key);
    }
    return found;
  };
  const onlySource: Unmatched = new Map();
  const onlyCopy: Unmatched = new Map();
  const [originals, copies] = await Promise.all([
    read(source, onlySource, onlyCopy),
    read(copy, onlyCopy, onlySource),
  ]);
  for (const key of onlySource.keys()) differences.push(`${key} (missing)`);
  for (const key of onlyCopy.keys()) differences.push(`${key} (not in the source)`);
  return {
    identical: differences.length === 0 && originals === copies,
    source: originals,
    copy: copies,
    differences: differences.slice(0, 5),
  };
}

async function* scan({ region, table }: TableLocation) {
  const client = new DynamoDBClient({ region });
  for (let Segment = 0; Segment < SEGMENTS; Segment++)
    for await (const page of paginateScan({ client }, { TableName: table, Segment, TotalSegments: SEGMENTS }))
      yield* page.Items ?? [];
}

function keyOf(item: Record<string, AttributeValue>): string {
  return `${item["country"]?.S} ${item["id"]?.N}`;
}

/** Sorts the members of sets, which have no order. */
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
