/**
 * What tells that an object is still the one that was read before.
 */
import { permanent } from "../errors.ts";
import type { BucketAddress, ObjectHead } from "../ports.ts";

/** An object as it was read: the MD5 of its bytes, base64, and its ETag. */
export interface Fingerprint {
  readonly md5: string;
  readonly etag: string;
}

/** An object as the archive store returns it. */
export interface StoredObject {
  readonly body: Uint8Array;
  readonly head: ObjectHead;
}

/** The fingerprint of a stored object. `md5` is the codec's. */
export function fingerprintOf(stored: StoredObject, md5: (bytes: Uint8Array) => string): Fingerprint {
  return { md5: md5(stored.body), etag: stored.head.etag };
}

/**
 * Returns the object if it is the one that was read at the plan. Permanent error: `archive-changed`. The ETag is compared
 * beside the MD5: an archive is written once, so a second write of the same bytes is a change too.
 */
export function requireUnchanged(
  bucket: BucketAddress,
  key: string,
  planned: Fingerprint,
  stored: StoredObject | undefined,
  md5: (bytes: Uint8Array) => string,
): StoredObject {
  if (stored === undefined) throw changed(bucket, key, `had ${inWords(planned)} and does not exist any more`);
  const found = fingerprintOf(stored, md5);
  if (found.md5 !== planned.md5 || found.etag !== planned.etag)
    throw changed(bucket, key, `had ${inWords(planned)} and has ${inWords(found)} now`);
  return stored;
}

function inWords({ md5, etag }: Fingerprint): string {
  return `MD5 ${md5} and ETag ${etag}`;
}

function changed(bucket: BucketAddress, key: string, message: string) {
  return permanent("archive-changed", {
    operation: "read archive",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}: the archive changed after the restore was planned.`,
    hint: "The table may hold items of both: empty it, find what writes under this prefix, and ask for a new restore.",
  });
}
