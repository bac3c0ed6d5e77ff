/**
 * Archives on S3: written once, never changed, never deleted.
 */
import { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { gatheredBody } from "@ferry/core/archive/chunks";
import { FerryError, permanent } from "@ferry/core/errors/errors";
import {
  type ArchiveStore,
  GET_BYTES_MAX,
  type ListedObject,
  type ObjectHead,
  type OpenObject,
  type StreamedBody,
} from "@ferry/core/ports";
import { type BucketAddress, objectResource } from "@ferry/core/request/addresses";
import { type Call, ferryError, httpStatusOf, nameOf, translateErrors } from "./errors.ts";
import { type Jitter, jitter } from "./jitter.ts";

/** The part of an S3 client that the archive store uses. */
type Client = Pick<S3Client, "send">;

/** Tries of a put that conflicts with another put of the same key. */
const CONFLICTS_MAX = 6;
const CONFLICT_WAIT_MS = 50;
/** A streamed body of at most this size is sent from memory: the SDK repeats a failed put only if it has the whole body. */
const HELD_BODY_BYTES_MAX = 8 * 1024 * 1024;
/** The most keys that S3 returns in one page. */
const KEYS_PER_PAGE_MAX = 1000;

/** Archives in S3 buckets. `s3` returns the client of a region, `reading` the one by which objects are opened. */
export function archiveStore(
  s3: (region: string) => Client,
  { reading = s3, wait = jitter }: { reading?: typeof s3; wait?: Jitter } = {},
): ArchiveStore {
  return {
    putNew: (bucket, key, body, options) => putNew(s3(bucket.region), bucket, key, body, options, wait),
    head: (bucket, key) => head(s3(bucket.region), bucket, key),
    get: (bucket, key) => get(s3(bucket.region), bucket, key),
    open: (bucket, key, options) => open(reading(bucket.region), bucket, key, options ?? {}),
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
  body: Uint8Array | StreamedBody,
  options: Parameters<ArchiveStore["putNew"]>[3],
  wait: Jitter,
): Promise<"stored" | "exists"> {
  const call = onObject("PutObject", bucket, key);
  const isHeld = body instanceof Uint8Array || body.sizeBytes <= HELD_BODY_BYTES_MAX;
  const source = isHeld ? await gatheredBody(body) : body;
  for (let tries = 1; ; tries++) {
    const upload = openUpload(source);
    try {
      await client.send(
        new PutObjectCommand({
          ...addressOf(bucket),
          Key: key,
          ...upload.input,
          IfNoneMatch: "*",
          ContentType: options.contentType,
          Metadata: { ...options.metadata },
          ...(options.kmsKeyId !== undefined && {
            ServerSideEncryption: "aws:kms",
            SSEKMSKeyId: options.kmsKeyId,
          }),
        }),
        ...upload.options,
      );
      return "stored";
    } catch (error) {
      if (upload.error() !== undefined) throw upload.error();
      if (httpStatusOf(error) === 412) return "exists";
      if (httpStatusOf(error) !== 409) throw ferryError(error, call);
      if (tries === CONFLICTS_MAX) throw conflict(error, call);
      // Another put of this key is in progress and ends soon.
      await wait(CONFLICT_WAIT_MS * 2 ** tries);
    }
  }
}

/** A body as the SDK's client takes it. */
interface Upload {
  readonly input: { readonly Body: Uint8Array | Readable; readonly ContentLength?: number };
  readonly options: [] | [{ readonly abortSignal: AbortSignal }];
  /** Why the body could not be read, if that made the put fail. */
  error(): unknown;
}

/**
 * Opens a body for one put. If reading it fails, the put is aborted, and `error` has the reason: the SDK does not listen to a
 * stream's errors.
 */
function openUpload(body: Uint8Array | StreamedBody): Upload {
  if (body instanceof Uint8Array) return { input: { Body: body }, options: [], error: () => undefined };
  const { sizeBytes } = body;
  const content = body.chunks();
  const abort = new AbortController();
  let failure: unknown;
  async function* chunks() {
    let sentBytes = 0;
    try {
      for await (const chunk of content) {
        sentBytes += chunk.length;
        yield chunk;
      }
      if (sentBytes !== sizeBytes) throw new Error(`a body that names ${sizeBytes} bytes has ${sentBytes}`);
    } catch (error) {
      failure = error;
      abort.abort();
    }
  }
  return {
    input: { Body: Readable.from(chunks(), { objectMode: false }), ContentLength: sizeBytes },
    options: [{ abortSignal: abort.signal }],
    error: () => failure,
  };
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
): Promise<ListedObject[]> {
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const objects: ListedObject[] = [];
  let token: string | undefined;
  do {
    const page = await translateErrors(onObject("ListObjectsV2", bucket, prefix), () =>
      client.send(
        new ListObjectsV2Command({
          ...addressOf(bucket),
          Prefix: prefix,
          MaxKeys: Math.min(limit - objects.length, KEYS_PER_PAGE_MAX),
          ...(options.after !== undefined && { StartAfter: options.after }),
          ...(token !== undefined && { ContinuationToken: token }),
        }),
      ),
    );
    for (const { Key, ETag = "" } of page.Contents ?? [])
      if (Key !== undefined) objects.push({ key: Key, etag: ETag });
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined && objects.length < limit);
  return objects;
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
  return { operation, resource: objectResource(bucket, key) };
}

function tooLarge(sizeBytes: number | undefined, call: Call): FerryError {
  return permanent("object-too-large", {
    ...call,
    predicate: `has ${sizeBytes} bytes, but an object that is read whole may have at most ${GET_BYTES_MAX}`,
    hint: "Check that the object under this key is the one that Ferry or DynamoDB wrote.",
  });
}

function changed(error: unknown, call: Call, ifMatch: string | undefined): FerryError {
  return permanent("object-changed", {
    ...call,
    predicate: `no longer has the ETag ${ifMatch}`,
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
