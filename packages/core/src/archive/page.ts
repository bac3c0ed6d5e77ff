/**
 * One Scan response, cut: where its items lie, and the few small fields that are parsed.
 */
import type { DynamoKey } from "../events.ts";
import { eachElement, eachMember, type Span, skipValue } from "./cutter.ts";

export interface Page {
  readonly body: Uint8Array;
  /** Where each item lies in `body`. */
  readonly items: readonly Span[];
  /** The key to go on after; absent when the segment was read to its end. */
  readonly lastEvaluatedKey?: DynamoKey;
  /** Capacity units consumed; 0 where the table does not tell. */
  readonly units: number;
}

const decoder = new TextDecoder();

/** Cuts the raw body of a Scan response. Throws where it is none, or does not hold as many items as it says. */
export function cutPage(body: Uint8Array): Page {
  const items: Span[] = [];
  let lastEvaluatedKey: DynamoKey | undefined;
  let units = 0;
  let count: number | undefined;
  const parsed = (start: number, end: number): unknown =>
    JSON.parse(decoder.decode(body.subarray(start, end)));
  eachMember(body, 0, (name, start) => {
    if (name === "Items") return eachElement(body, start, items);
    const end = skipValue(body, start);
    if (name === "LastEvaluatedKey") lastEvaluatedKey = (parsed(start, end) as DynamoKey | null) ?? undefined;
    else if (name === "Count") count = parsed(start, end) as number;
    else if (name === "ConsumedCapacity")
      units = (parsed(start, end) as { CapacityUnits?: number } | null)?.CapacityUnits ?? 0;
    return end;
  });
  if (count !== items.length)
    throw new SyntaxError(`a Scan response says Count ${count} and holds ${items.length} items`);
  return { body, items, ...(lastEvaluatedKey !== undefined && { lastEvaluatedKey }), units };
}
