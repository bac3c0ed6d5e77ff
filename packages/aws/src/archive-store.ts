/**
 * Archives on S3: written once, never changed, never deleted.
 */
import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { about, FerryError, permanent } from "@ferry/core/errors/errors";
import { type ArchiveStore, GET_BYTES_MAX, type ObjectHead, type OpenObject } from "@ferry/core/ports";
import type { BucketAddress } from "@ferry/core/request/addresses";
import { type Call, ferryError, httpStatusOf, nameOf, translateErrors } from "./errors.ts";
import { type Jitter, jitter } from "./jitter.ts";

/** The part of an S3 client that the archive store uses. */
type Client = Pick<S3Client, "send">;

/** Tries of a put that conflicts with another put of the same key. */
const CONFLICTS_MAX = 6;
const CONFLICT_WAIT_MS = 50;
/** The most keys that S3 returns in one page. */
const KEYS_PER_PAGE_MAX = 1000;

/** Archives in S3 buckets. `s3` returns the client of a region. */
export function archiveStore(s3: (region: string) => Client, wait: Jitter = jitter): ArchiveStore {
  return {
    putNew: (bucket, key, body, options) => putNew(s3(bucket.region), bucket, key, body, options, wait),
    head: (bucket, key) => head(s3(bucket.region), bucket, key),
    get: (bucket, key) => get(s3(bucket.region), bucket, key),
    open: (bucket, key, options) => open(s3(bucket.region), bucket, key, options ?? {}),
    list: (bucket, prefix, options) => list(s3(bucket.region), bucket, prefix, options ?? {}),
  };
}

/**
 * If a response is lost, the SDK repeats the put, which may then find the object that the first try stored. A caller that
 * receives `exists` must therefore check who wrote the object.
 */
async function putNew(
  client: Client,
  bucket: BucketAddress,
  key: string,
  body: Uint8Array,
  options: Parameters<ArchiveStore["putNew"]>[3],
  wait: Jitter,
): Promise<"stored" | "exists"> {
  const call = onObject("PutObject", bucket, key);
  for (let tries = 1; ; tries++) {
    try {
      await client.send(
        new PutObjectCommand({
          ...addressOf(bucket),
          Key: key,
          Body: body,
          IfNoneMatch: "*",
          ContentType: options.contentType,
          Metadata: { ...options.metadata },
          ...(options.kmsKeyId !== undefined && {
            ServerSideEncryption: "aws:kms",
            SSEKMSKeyId: options.kmsKeyId,
          }),
        }),
      );
      return "stored";
    } catch (error) {
      if (httpStatusOf(error) === 412) return "exists";
      if (httpStatusOf(error) !== 409) throw ferryError(error, call);
      if (tries === CONFLICTS_MAX) throw conflict(error, call);
      // Another put of this key is in progress and ends soon.
      await wait(CONFLICT_WAIT_MS * 2 ** tries);
    }
  }
}

/** A HEAD response has no body, so a missing bucket looks like a missing key: both return undefined. */
function head(client: Client, bucket: BucketAddress, key: string): Promise<ObjectHead | undefined> {
  return translateErrors(onObject("HeadObject", bucket, key), () =>
    unlessMissing(async () =>
      headOf(await client.send(new HeadObjectCommand({ ...addressOf(bucket), Key: key }))),
    ),
  );
}

function get(client: Client, bucket: BucketAddress, key: string) {
  const call = onObject("GetObject", bucket, key);
  return translateErrors(call, () =>
    unlessMissing(async () => {
      const answer = await client.send(new GetObjectCommand({ ...addressOf(bucket), Key: key }));
      if ((answer.ContentLength ?? 0) > GET_BYTES_MAX) {
        // The body is not read: its connection is closed.
        (answer.Body as Readable | undefined)?.destroy();
        throw tooLarge(answer.ContentLength, call);
      }
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
      return { body, head: { ...headOf(answer), sizeBytes: body.length } };
    }),
  );
}

function open(
  client: Client,
  bucket: BucketAddress,
  key: string,
  { ifMatch, fromByte = 0 }: { ifMatch?: string; fromByte?: number },
): Promise<OpenObject | undefined> {
  const call = onObject("GetObject", bucket, key);
  return translateErrors(call, () =>
    unlessMissing(async () => {
      const answer = await client
        .send(
          new GetObjectCommand({
            ...addressOf(bucket),
            Key: key,
            ...(ifMatch !== undefined && { IfMatch: ifMatch }),
            ...(fromByte > 0 && { Range: `bytes=${fromByte}-` }),
          }),
        )
        .catch((error) => {
          throw httpStatusOf(error) === 412 ? changed(error, call, ifMatch) : error;
        });
      const head = headOf(answer);
      return {
        head: { ...head, sizeBytes: fromByte + head.sizeBytes },
        chunks: chunksOf(answer.Body as AsyncIterable<Uint8Array> | undefined, call),
      };
    }),
  );
}

/** If the reader stops early, the body and its connection are destroyed. The SDK retries requests, but not bodies. */
async function* chunksOf(body: AsyncIterable<Uint8Array> | undefined, call: Call) {
  if (body === undefined) return;
  try {
    yield* body;
  } catch (error) {
    throw ferryError(error, call);
  }
}

async function list(
  client: Client,
  bucket: BucketAddress,
  prefix: string,
  options: { after?: string; limit?: number },
): Promise<string[]> {
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const keys: string[] = [];
  let token: string | undefined;
  do {
    const page = await translateErrors(onObject("ListObjectsV2", bucket, prefix), () =>
      client.send(
        new ListObjectsV2Command({
          ...addressOf(bucket),
          Prefix: prefix,
          MaxKeys: Math.min(limit - keys.length, KEYS_PER_PAGE_MAX),
          ...(options.after !== undefined && { StartAfter: options.after }),
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      ),
    );
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined && keys.length < limit);
  return keys;
}

async function unlessMissing<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const missing = httpStatusOf(error) === 404 && nameOf(error) !== "NoSuchBucket";
    if (missing) return undefined;
    throw error;
  }
}

function addressOf(bucket: BucketAddress) {
  return {
    Bucket: bucket.name,
    ...(bucket.owner !== undefined && { ExpectedBucketOwner: bucket.owner }),
  };
}

function headOf(answer: {
  Metadata?: Record<string, string> | undefined;
  ETag?: string | undefined;
  ContentLength?: number | undefined;
}): ObjectHead {
  return {
    metadata: answer.Metadata ?? {},
    etag: answer.ETag ?? "",
    sizeBytes: answer.ContentLength ?? 0,
  };
}

function onObject(operation: string, bucket: BucketAddress, key: string): Call {
  return { operation, resource: `s3://${bucket.name}/${key}` };
}

function tooLarge(sizeBytes: number | undefined, call: Call): FerryError {
  return permanent("object-too-large", {
    ...call,
    message: about(
      call.resource,
      `has ${sizeBytes} bytes, but an object that is read whole may have at most ${GET_BYTES_MAX}`,
    ),
    hint: "Check that the object under this key is the one that Ferry or DynamoDB wrote.",
  });
}

function changed(error: unknown, call: Call, ifMatch: string | undefined): FerryError {
  return permanent("object-changed", {
    ...call,
    message: about(call.resource, `no longer has the ETag ${ifMatch}`),
    hint: "Another writer changes objects under this prefix while it is read: stop it, then request the task again.",
    cause: error,
  });
}

function conflict(error: unknown, call: Call): FerryError {
  return new FerryError("transient", "conditional-request-conflict", {
    ...call,
    message: `Another put of ${call.resource} was in progress on each of ${CONFLICTS_MAX} tries.`,
    hint: "The queue delivers the message again.",
    cause: error,
  });
}
