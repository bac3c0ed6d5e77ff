/**
 * The proof: both tables read by a stock client and compared item by item. It shares no code with the engine.
 */
import { isDeepStrictEqual } from "node:util";
import { type AttributeValue, DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";

const SEGMENTS = 4;

/** Items by their keys. */
type Waiting = Map<string, Record<string, AttributeValue>>;

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

/**
 * Compares two tables with the keys `country` and `id`, reading both at once: what is read from one waits for its like
 * from the other. `at` hears how many items were read.
 */
export async function compareTables(
  source: TablePlace,
  copy: TablePlace,
  at: (count: number) => void,
): Promise<Proof> {
  const differences: string[] = [];
  let count = 0;
  /** Reads a table, item by item; how many. */
  const read = async (place: TablePlace, mine: Waiting, theirs: Waiting): Promise<number> => {
    let found = 0;
    for await (const item of scan(place)) {
      found++;
      at(++count);
      const key = keyOf(item);
      const other = theirs.get(key);
      if (other === undefined) mine.set(key, item);
      else if (!isDeepStrictEqual(sorted(item), sorted(other))) differences.push(key);
      theirs.delete(key);
    }
    return found;
  };
  const onlySource: Waiting = new Map();
  const onlyCopy: Waiting = new Map();
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
