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

/**
 * The buffers of bodies that were sent, for the next ones: new buffers make the garbage collector mark the whole heap, again after every
 * few megabytes.
 */
const unused: Uint8Array[] = [];
/** As many as there are calls in progress, and some more. */
const UNUSED_MAX = 16;
/** The next body is often a little longer. */
const SPARE_SHARE = 1 / 4;

function take(bytes: number): Uint8Array {
  const buffer = unused.pop();
  if (buffer !== undefined && buffer.length >= bytes) return buffer.subarray(0, bytes);
  return Buffer.allocUnsafeSlow(Math.ceil(bytes * (1 + SPARE_SHARE))).subarray(0, bytes);
}

/** Lets a later body have the memory of this one, which was sent and is not used any more. */
export function reuseBody(body: Uint8Array): void {
  if (unused.length < UNUSED_MAX) unused.push(new Uint8Array(body.buffer));
}

/**
 * The body of a request that writes to one table. There is at least one write. Its buffer has nothing else, so that `reuseBody` may get it.
 */
export function writeBody(tableName: string, writes: readonly Write[]): Uint8Array {
  const start = encoder.encode(`{"RequestItems":{${JSON.stringify(tableName)}:[`);
  let size = start.length + END.length;
  for (const write of writes)
    size += "put" in write ? write.put.length + NEXT_PUT.length : write.remove.length + NEXT_DELETE.length;
  // The first one has no comma, and no end of another one before it.
  const unused = NEXT_PUT.length - PUT.length;
  const body = take(size - unused);
  body.set(start);
  let at = start.length;
  const append = (part: Uint8Array) => {
    body.set(part, at);
    at += part.length;
  };
  let isFirst = true;
  for (const write of writes) {
    if ("put" in write) {
      append(isFirst ? PUT : NEXT_PUT);
      append(write.put);
    } else {
      append(isFirst ? DELETE : NEXT_DELETE);
      append(write.remove);
    }
    isFirst = false;
  }
  append(END);
  return body;
}

/** An answer without unprocessed items is not longer, unless it reports the units of many indexes. */
const SHORT_ANSWER_BYTES = 1024;

/** Reads the body of a response. Throws a SyntaxError if it is not one of BatchWriteItem. */
export function readWriteAnswer(body: Uint8Array): WriteResult {
  if (body.length <= SHORT_ANSWER_BYTES) {
    const { UnprocessedItems, ConsumedCapacity } = JSON.parse(decoder.decode(body)) as Answer;
    if (Object.keys(UnprocessedItems ?? {}).length === 0)
      return { unprocessed: [], units: sum(ConsumedCapacity) };
  }
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

interface Answer {
  readonly UnprocessedItems?: object | null;
  readonly ConsumedCapacity?: readonly Capacity[] | null;
}

interface Capacity {
  readonly CapacityUnits?: number;
}

function unitsOf(text: string): number {
  return sum(JSON.parse(text) as readonly Capacity[] | null);
}

function sum(tables: readonly Capacity[] | null | undefined): number {
  return (tables ?? []).reduce((units, table) => units + (table.CapacityUnits ?? 0), 0);
}
