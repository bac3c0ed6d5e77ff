/**
 * Buckets in memory: objects are put once and listed in the order of their keys' bytes.
 */
import { createHash } from "node:crypto";
import { gatheredBody } from "@ferry/core/archive/chunks";
import { type ArchiveStore, GET_BYTES_MAX, type ObjectHead, type ObjectMetadata } from "@ferry/core/ports";
import { type BucketAddress, objectResource } from "@ferry/core/request/addresses";
import { accessDenied, invalid, noSuchBucket, objectChanged, objectTooLarge, wrongRegion } from "./errors.ts";
import { compareUtf8 } from "./order.ts";

const METADATA_BYTES_MAX = 2048;
const KEY_BYTES_MAX = 1024;
/** The size of a read's chunks: about that of a socket. */
const CHUNK_BYTES = 64 * 1024;

/** Buckets, and what other programs do with them. */
export interface MemoryArchiveStore extends ArchiveStore {
  /** Creates a bucket; `owner` is the account that owns it. */
  createBucket(bucket: BucketAddress): void;
  /** Puts or overwrites an object, as another program would. */
  store(bucket: BucketAddress, key: string, body: Uint8Array, metadata?: ObjectMetadata): void;
  /** Deletes an object, as another program would. */
  remove(bucket: BucketAddress, key: string): void;
  /** Every key of a bucket, in order. */
  keys(bucket: BucketAddress): string[];
  /** The ETags and metadata of the objects under a prefix, by key. They differ if the objects differ. */
  contents(bucket: BucketAddress, prefix: string): ReadonlyMap<string, string>;
}

interface StoredObject {
  readonly body: Uint8Array;
  readonly metadata: ObjectMetadata;
  readonly etag: string;
}

interface Bucket {
  readonly address: BucketAddress;
  readonly objects: Map<string, StoredObject>;
  /** In the order of a listing. */
  readonly keys: string[];
}

/** An archive store in memory. */
export function memoryArchiveStore(): MemoryArchiveStore {
  const buckets = new Map<string, Bucket>();

  /** The bucket. Throws the error that S3 would return. */
  const open = (operation: string, address: BucketAddress, key = ""): Bucket => {
    const bucket = buckets.get(address.name);
    if (bucket === undefined) throw noSuchBucket(operation, address);
    if (bucket.address.region !== address.region) throw wrongRegion(operation, address);
    if (address.owner !== undefined && address.owner !== bucket.address.owner)
      throw accessDenied(
        operation,
        objectResource(address, key),
        `The bucket does not belong to account ${address.owner}.`,
      );
    return bucket;
  };

  return {
    createBucket(address) {
      buckets.set(address.name, { address, objects: new Map(), keys: [] });
    },
    store(address, key, body, metadata = {}) {
      put(open("store", address), key, storedObject(body, metadata));
    },
    remove(address, key) {
      const { objects, keys } = open("remove", address);
      if (objects.delete(key)) keys.splice(firstFrom(keys, key), 1);
    },
    keys(address) {
      return [...open("keys", address).keys];
    },
    contents(address, prefix) {
      const { objects, keys } = open("contents", address);
      const heads = keysUnder(keys, prefix).map((key) => [key, JSON.stringify(headOf(objects.get(key)!))]);
      return new Map(heads as [string, string][]);
    },

    async putNew(address, key, body, options) {
      const bucket = open("PutObject", address, key);
      const resource = objectResource(address, key);
      if (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX)
        throw invalid("PutObject", resource, `a key has 1 to ${KEY_BYTES_MAX} bytes`);
      checkMetadata(resource, options.metadata);
      const bytes = await gatheredBody(body);
      // Checked and put without an `await` between, so one of two concurrent puts is first.
      if (bucket.objects.has(key)) return "exists";
      put(bucket, key, storedObject(bytes, options.metadata));
      return "stored";
    },
    async head(address, key) {
      // S3's response to HEAD has no body, so a missing bucket looks like a missing object.
      if (!buckets.has(address.name)) return undefined;
      const object = open("HeadObject", address, key).objects.get(key);
      return object && headOf(object);
    },
    async get(address, key) {
      const object = open("GetObject", address, key).objects.get(key);
      if (object !== undefined && object.body.length > GET_BYTES_MAX)
        throw objectTooLarge("GetObject", objectResource(address, key), object.body.length);
      return object && { body: object.body.slice(), head: headOf(object) };
    },
    async open(address, key, { ifMatch, fromByte = 0 } = {}) {
      const object = open("GetObject", address, key).objects.get(key);
      if (object === undefined) return undefined;
      const head = headOf(object);
      if (ifMatch !== undefined && ifMatch !== head.etag)
        throw objectChanged("GetObject", objectResource(address, key), ifMatch);
      return { head, chunks: chunksOf(object.body, fromByte) };
    },
    async list(address, prefix, { after, limit } = {}) {
      const { objects, keys } = open("ListObjectsV2", address, prefix);
      return keysUnder(keys, prefix, after, limit).map((key) => ({ key, etag: objects.get(key)!.etag }));
    },
  };
}

function put({ objects, keys }: Bucket, key: string, object: StoredObject): void {
  if (!objects.has(key)) keys.splice(firstFrom(keys, key), 0, key);
  objects.set(key, object);
}

/** The first `limit` of the sorted keys that have the prefix and come after `after`. */
function keysUnder(
  keys: readonly string[],
  prefix: string,
  after?: string,
  limit = Number.POSITIVE_INFINITY,
): string[] {
  const found: string[] = [];
  let at = firstFrom(keys, prefix);
  if (after !== undefined) {
    at = Math.max(at, firstFrom(keys, after));
    if (keys[at] === after) at++;
  }
  for (; found.length < limit && keys[at]?.startsWith(prefix) === true; at++) found.push(keys[at]!);
  return found;
}

/** The index of the first of the sorted keys that does not come before `key`. */
function firstFrom(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The object as it was when it was opened, even if it changes meanwhile. */
async function* chunksOf(body: Uint8Array, fromByte: number) {
  for (let at = fromByte; at < body.length; at += CHUNK_BYTES) {
    const chunk = new Uint8Array(body.subarray(at, at + CHUNK_BYTES));
    yield chunk;
    // It is valid only until the next one is requested.
    chunk.fill(0);
  }
}

/** A copy of an object. */
function storedObject(body: Uint8Array, metadata: ObjectMetadata): StoredObject {
  const etag = `"${createHash("md5").update(body).digest("hex")}"`;
  // `slice` of a Buffer would share its memory.
  return { body: new Uint8Array(body), metadata: { ...metadata }, etag };
}

function headOf({ body, metadata, etag }: StoredObject): ObjectHead {
  return { metadata: { ...metadata }, etag, sizeBytes: body.length };
}

function checkMetadata(resource: string, metadata: ObjectMetadata): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9-]+$/.test(name))
      throw invalid("PutObject", resource, `metadata name "${name}" is not lower case`);
    if (!/^[\x20-\x7e]*$/.test(value)) throw invalid("PutObject", resource, `metadata ${name} is not ASCII`);
    bytes += name.length + value.length;
  }
  if (bytes > METADATA_BYTES_MAX)
    throw invalid("PutObject", resource, `metadata has ${bytes} bytes, ${METADATA_BYTES_MAX} at most`);
}
