/**
 * Reads an object's bytes as they arrive. After a broken connection it continues with the next byte of the same object.
 */
import { FerryError } from "../errors/errors.ts";
import type { ObjectHead, Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";

/** How often in a row an object is reopened after its connection broke before a byte arrived. */
const REOPENS_MAX = 3;

/** The object's head, set when it is first opened. A later reading with it reads the same object. */
export interface Opened {
  head?: ObjectHead;
}

/**
 * Yields the object's bytes from `fromByte` (default 0) on, which must be before its end unless it is 0. Throws `missing()` if there
 * is no such object. Permanent error: `object-changed`.
 */
export async function* objectChunks(
  bucket: BucketAddress,
  key: string,
  from: { readonly opened: Opened; readonly fromByte?: number; readonly missing: () => Error },
  { archive }: Pick<Ports, "archive">,
): AsyncGenerator<Uint8Array, void, void> {
  const { opened, missing } = from;
  let { fromByte = 0 } = from;
  for (let breaks = 0; ; ) {
    const etag = opened.head?.etag;
    const object = await archive.open(bucket, key, { fromByte, ...(etag && { ifMatch: etag }) });
    if (object === undefined) throw missing();
    opened.head ??= object.head;
    let reason: unknown;
    try {
      for await (const chunk of object.chunks) {
        fromByte += chunk.length;
        breaks = 0;
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof FerryError && error.kind === "transient")) throw error;
      reason = error;
    }
    if (fromByte === opened.head.sizeBytes) return;
    if (++breaks > REOPENS_MAX) throw reason ?? cutShort(bucket, key, fromByte, opened.head.sizeBytes);
  }
}

function cutShort(bucket: BucketAddress, key: string, bytes: number, sizeBytes: number) {
  return new FerryError("transient", "cut-short", {
    operation: "read object",
    resource: objectResource(bucket, key),
    message: `The connection for ${objectResource(bucket, key)} ended after ${bytes} of ${sizeBytes} bytes, ${REOPENS_MAX} times in a row.`,
    hint: "The queue delivers the message again.",
  });
}
