/**
 * Buckets in memory: objects are put once and listed in the order of their keys' bytes.
 */
import { createHash } from "node:crypto";
import { gatheredBody } from "@ferry/core/archive/chunks";
import { type ArchiveStore, GET_BYTES_MAX, type ObjectHead, type ObjectMetadata } from "@ferry/core/ports";
import type { BucketAddress } from "@ferry/core/request/addresses";
import {
  accessDenied,
  invalid,
  noSuchBucket,
  objectChanged,
  objectResource,
  objectTooLarge,
  wrongRegion,
} from "./errors.ts";
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
}

/** An archive store in memory. */
export function memoryArchiveStore(): MemoryArchiveStore {
  const buckets = new Map<string, Bucket>();

  /** The bucket's objects. Throws the error that S3 would return. */
  const open = (operation: string, address: BucketAddress, key = ""): Map<string, StoredObject> => {
    const bucket = buckets.get(address.name);
    if (bucket === undefined) throw noSuchBucket(operation, address);
    if (bucket.address.region !== address.region) throw wrongRegion(operation, address);
    if (address.owner !== undefined && address.owner !== bucket.address.owner)
      throw accessDenied(
        operation,
        objectResource(address, key),
        `The bucket does not belong to account ${address.owner}.`,
      );
    return bucket.objects;
  };
  /** The keys that match, in order. */
  const sorted = (objects: Map<string, StoredObject>, isMatch: (key: string) => boolean) =>
    [...objects.keys()].filter(isMatch).sort(compareUtf8);

  return {
    createBucket(address) {
      buckets.set(address.name, { address, objects: new Map() });
    },
    store(address, key, body, metadata = {}) {
      open("store", address).set(key, storedObject(body, metadata));
    },
    remove(address, key) {
      open("remove", address).delete(key);
    },
    keys(address) {
      return sorted(open("keys", address), () => true);
    },
    contents(address, prefix) {
      const objects = open("contents", address);
      const keys = sorted(objects, (key) => key.startsWith(prefix));
      return new Map(keys.map((key) => [key, JSON.stringify(headOf(objects.get(key)!))]));
    },

    async putNew(address, key, body, options) {
      const objects = open("PutObject", address, key);
      const resource = objectResource(address, key);
      if (key === "" || Buffer.byteLength(key) > KEY_BYTES_MAX)
        throw invalid("PutObject", resource, `a key has 1 to ${KEY_BYTES_MAX} bytes`);
      checkMetadata(resource, options.metadata);
      const bytes = await gatheredBody(body);
      // Checked and put without an `await` between, so one of two concurrent puts is first.
      if (objects.has(key)) return "exists";
      objects.set(key, storedObject(bytes, options.metadata));
      return "stored";
    },
    async head(address, key) {
      // S3's response to HEAD has no body, so a missing bucket looks like a missing object.
      if (!buckets.has(address.name)) return undefined;
      const object = open("HeadObject", address, key).get(key);
      return object && headOf(object);
    },
    async get(address, key) {
      const object = open("GetObject", address, key).get(key);
      if (object !== undefined && object.body.length > GET_BYTES_MAX)
        throw objectTooLarge("GetObject", objectResource(address, key), object.body.length);
      return object && { body: object.body.slice(), head: headOf(object) };
    },
    async open(address, key, { ifMatch, fromByte = 0 } = {}) {
      const object = open("GetObject", address, key).get(key);
      if (object === undefined) return undefined;
      const head = headOf(object);
      if (ifMatch !== undefined && ifMatch !== head.etag)
        throw objectChanged("GetObject", objectResource(address, key), ifMatch);
      return { head, chunks: chunksOf(object.body, fromByte) };
    },
    async list(address, prefix, options = {}) {
      const after = options.after;
      const objects = open("ListObjectsV2", address, prefix);
      const isListed = (key: string) =>
        key.startsWith(prefix) && (after === undefined || compareUtf8(key, after) > 0);
      return sorted(objects, isListed)
        .slice(0, options.limit)
        .map((key) => ({ key, etag: objects.get(key)!.etag }));
    },
  };
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
