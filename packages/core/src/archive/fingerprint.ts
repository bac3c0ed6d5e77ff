/**
 * Detects whether an object changed since it was read.
 */

import { permanent } from "../errors/errors.ts";
import type { ObjectHead, Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { type Opened, objectChunks } from "./object-chunks.ts";

/** Identifies the content of an object: the MD5 of its bytes, base64, and its ETag. */
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

/** Reads an object and returns its fingerprint, without keeping it in memory. Throws `missing()` if there is no such object. */
export async function readFingerprint(
  bucket: BucketAddress,
  key: string,
  missing: () => Error,
  ports: Pick<Ports, "archive" | "codec">,
): Promise<Fingerprint> {
  const opened: Opened = {};
  const md5 = ports.codec.openMd5();
  for await (const chunk of objectChunks(bucket, key, { opened, missing }, ports)) md5.update(chunk);
  return { md5: md5.digest(), etag: opened.head!.etag };
}

/**
 * Compares an object with the one that was read during planning. Permanent error: `archive-changed`. Compares the ETag as well as the
 * MD5: an archive is written once, so a second write of the same bytes is a change too.
 */
export function requireSame(
  bucket: BucketAddress,
  key: string,
  planned: Fingerprint,
  found: Fingerprint,
): void {
  if (found.md5 !== planned.md5 || found.etag !== planned.etag)
    throw changed(bucket, key, `had ${describe(planned)} and now has ${describe(found)}`);
}

/** Returns the object if it is the one that was read during planning. Permanent error: `archive-changed`. */
export function requireUnchanged(
  bucket: BucketAddress,
  key: string,
  planned: Fingerprint,
  stored: StoredObject | undefined,
  md5: (bytes: Uint8Array) => string,
): StoredObject {
  if (stored === undefined) throw gone(bucket, key, planned);
  requireSame(bucket, key, planned, fingerprintOf(stored, md5));
  return stored;
}

/** The error for an object that was read during planning and no longer exists. */
export function gone(bucket: BucketAddress, key: string, planned: Fingerprint) {
  return changed(bucket, key, `had ${describe(planned)} and no longer exists`);
}

function describe({ md5, etag }: Fingerprint): string {
  return `MD5 ${md5} and ETag ${etag}`;
}

function changed(bucket: BucketAddress, key: string, predicate: string) {
  return permanent("archive-changed", {
    operation: "read archive",
    resource: objectResource(bucket, key),
    predicate: `${predicate}: the archive changed after the restore was planned`,
    hint: "The table may hold items of both versions: empty it, find out what writes under this prefix, and request a new restore.",
  });
}
