/**
 * One Scan response: the byte ranges of its items, and the few small fields that are parsed.
 */
import type { DynamoKey } from "../table/dynamo-key.ts";
import { eachElement, eachMember, skipValue } from "./cutter.ts";

export interface Page {
  readonly body: Uint8Array;
  /** The number of items. */
  readonly count: number;
  /**
   * The start and the end of each item in `body`, in turn. An object for each of 20,000 small items, alive until the next page is
   * there, would make V8's young generation grow by 60 MB.
   */
  readonly bounds: Uint32Array<ArrayBuffer>;
  /** The key after which the scan continues; absent at the end of the segment. */
  readonly lastEvaluatedKey?: DynamoKey;
  /** Capacity units consumed; 0 if the response does not contain them. */
  readonly units: number;
}

const decoder = new TextDecoder();
/** The bounds of the page that is being cut. It grows with the items of a page. */
let scratch = new Uint32Array(2 * 1024);

/** Where the last key of a response is searched: most keys are much shorter. */
const TAIL_BYTES = 8 * 1024;
const LAST_KEY = '"LastEvaluatedKey":';

/**
 * The key after which the scan continues, read from the end of a Scan response, which takes far less time than `cutPage`. Returns
 * undefined if there is none, or if it is not found there: only `cutPage` shows which.
 *
 * A key that is returned is the one of `cutPage`, since a valid response that ends with members of an object has them in its
 * outermost object. The name with its quotes is not part of a string, in which quotes have a backslash.
 */
export function lastKeyAtEnd(body: Uint8Array): DynamoKey | undefined {
  const tail = decoder.decode(body.subarray(-TAIL_BYTES));
  const start = tail.lastIndexOf(LAST_KEY);
  if (start === -1) return undefined;
  try {
    const end = JSON.parse(`{${tail.slice(start)}`) as { LastEvaluatedKey: DynamoKey | null };
    return end.LastEvaluatedKey ?? undefined;
  } catch {
    // The member of an item, or of a key.
    return undefined;
  }
}

/** Finds the items in the raw body of a Scan response. Throws if it is not valid, or if `Count` is not the number of items. */
export function cutPage(body: Uint8Array): Page {
  let used = 0;
  let lastEvaluatedKey: DynamoKey | undefined;
  let units = 0;
  let count: number | undefined;
  const parsed = (start: number, end: number): unknown =>
    JSON.parse(decoder.decode(body.subarray(start, end)));
  eachMember(body, 0, (name, start) => {
    if (name === "Items") {
      return eachElement(body, start, (from, end) => {
        if (used === scratch.length) scratch = enlarged(scratch);
        scratch[used++] = from;
        scratch[used++] = end;
      });
    }
    const end = skipValue(body, start);
    if (name === "LastEvaluatedKey") lastEvaluatedKey = (parsed(start, end) as DynamoKey | null) ?? undefined;
    else if (name === "Count") count = parsed(start, end) as number;
    else if (name === "ConsumedCapacity")
      units = (parsed(start, end) as { CapacityUnits?: number } | null)?.CapacityUnits ?? 0;
    return end;
  });
  const bounds = scratch.slice(0, used);
  if (count !== bounds.length / 2)
    throw new SyntaxError(`a Scan response has Count ${count} but holds ${used / 2} items`);
  return { body, count, bounds, ...(lastEvaluatedKey !== undefined && { lastEvaluatedKey }), units };
}

function enlarged(full: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * full.length);
  larger.set(full);
  return larger;
}
