/**
 * BatchWriteItem's bodies: items are spliced in and unprocessed ones are cut out as unchanged bytes.
 */
import { elements, members } from "@ferry/core/archive/cutter";
import type { Write, WriteResult } from "@ferry/core/ports";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const PUT = encoder.encode('{"PutRequest":{"Item":');
const DELETE = encoder.encode('{"DeleteRequest":{"Key":');
const NEXT_PUT = encoder.encode('}},{"PutRequest":{"Item":');
const NEXT_DELETE = encoder.encode('}},{"DeleteRequest":{"Key":');
const END = encoder.encode('}}]},"ReturnConsumedCapacity":"TOTAL"}');

/** The body of a request that writes to one table. There is at least one write. */
export function writeBody(tableName: string, writes: readonly Write[]): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode(`{"RequestItems":{${JSON.stringify(tableName)}:[`)];
  for (const [i, write] of writes.entries()) {
    if ("put" in write) parts.push(i === 0 ? PUT : NEXT_PUT, write.put);
    else parts.push(i === 0 ? DELETE : NEXT_DELETE, write.remove);
  }
  parts.push(END);
  return Buffer.concat(parts);
}

/** Reads the body of a response. Throws a SyntaxError if it is not one of BatchWriteItem. */
export function readWriteAnswer(body: Uint8Array): WriteResult {
  const unprocessed: Write[] = [];
  let units = 0;
  for (const { name, start, end } of members(body)) {
    if (name === "UnprocessedItems") {
      // The request named one table, so all requests are for it, whether the response has its name or its ARN.
      for (const table of members(body, start))
        for (const request of elements(body, table.start)) unprocessed.push(writeOf(body, request.start));
    } else if (name === "ConsumedCapacity") units = unitsOf(decoder.decode(body.subarray(start, end)));
  }
  return { unprocessed, units };
}

/** A write request: `{"PutRequest":{"Item":…}}` or `{"DeleteRequest":{"Key":…}}`. */
function writeOf(body: Uint8Array, start: number): Write {
  for (const request of members(body, start)) {
    for (const { name, start: from, end } of members(body, request.start)) {
      if (request.name === "PutRequest" && name === "Item") return { put: body.subarray(from, end) };
      if (request.name === "DeleteRequest" && name === "Key") return { remove: body.subarray(from, end) };
    }
  }
  // Ignoring it would lose an item.
  throw new SyntaxError("an unprocessed item is neither a PutRequest nor a DeleteRequest");
}

function unitsOf(text: string): number {
  const tables = JSON.parse(text) as readonly { readonly CapacityUnits?: number }[] | null;
  return (tables ?? []).reduce((sum, table) => sum + (table.CapacityUnits ?? 0), 0);
}
