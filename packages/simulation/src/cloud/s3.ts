/**
 * The S3 client over buckets in memory, with its conditions: the AWS adapter runs on it.
 */
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { gathered } from "@ferry/core/archive/chunks";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { Effect } from "./invocation.ts";
import type { Rng } from "./scheduler.ts";

/** Keys per page of a listing: fewer than in S3, so that listings have several pages. */
const KEYS_PER_PAGE_MAX = 100;

/** The client of one invocation: each call passes through `visit`. */
export function simulatedS3(
  archive: MemoryArchiveStore,
  region: string,
  visit: (method: string, subject: string, input: object, effect: Effect) => Promise<unknown>,
): Pick<S3Client, "send"> {
  const send = (command: { input: { Key?: string; Prefix?: string } }) => {
    const subject = command.input.Key ?? command.input.Prefix ?? "";
    return visit(command.constructor.name.replace("Command", ""), subject, command.input, () =>
      answer(command, archive, region),
    );
  };
  return { send: send as S3Client["send"] };
}

async function answer(command: unknown, archive: MemoryArchiveStore, region: string): Promise<object> {
  const bucketOf = (input: { Bucket?: string | undefined; ExpectedBucketOwner?: string | undefined }) => ({
    region,
    name: input.Bucket!,
    ...(input.ExpectedBucketOwner !== undefined && { owner: input.ExpectedBucketOwner }),
  });
  if (command instanceof PutObjectCommand) {
    const { Key, Body, Metadata = {}, IfNoneMatch, ContentType = "" } = command.input;
    const bucket = bucketOf(command.input);
    const body = Body as Uint8Array;
    if (IfNoneMatch !== "*") {
      archive.store(bucket, Key!, body, Metadata);
      return {};
    }
    const put = await archive.putNew(bucket, Key!, body, { metadata: Metadata, contentType: ContentType });
    if (put === "exists") throw s3Error("PreconditionFailed", 412);
    return {};
  }
  if (command instanceof HeadObjectCommand) {
    const found = await archive.head(bucketOf(command.input), command.input.Key!);
    if (found === undefined) throw s3Error("NotFound", 404);
    return { Metadata: found.metadata, ETag: found.etag, ContentLength: found.sizeBytes };
  }
  if (command instanceof GetObjectCommand) {
    const { Key, IfMatch, Range = "bytes=0-" } = command.input;
    const found = await archive.get(bucketOf(command.input), Key!);
    if (found === undefined) throw s3Error("NoSuchKey", 404);
    const { metadata, etag } = found.head;
    if (IfMatch !== undefined && IfMatch !== etag) throw s3Error("PreconditionFailed", 412);
    const body = found.body.subarray(Number(/^bytes=(\d+)-$/.exec(Range)![1]));
    const Body = bodyOf(body);
    return { Body, Metadata: metadata, ETag: etag, ContentLength: body.length };
  }
  if (command instanceof ListObjectsV2Command) {
    const { Prefix = "", StartAfter, ContinuationToken, MaxKeys = 1000 } = command.input;
    const limit = Math.min(MaxKeys, KEYS_PER_PAGE_MAX);
    const after = ContinuationToken ?? StartAfter;
    const listed = await archive.list(bucketOf(command.input), Prefix, {
      ...(after !== undefined && { after }),
      limit: limit + 1,
    });
    const IsTruncated = listed.length > limit;
    return {
      Contents: listed.slice(0, limit).map(({ key, etag }) => ({ Key: key, ETag: etag })),
      IsTruncated,
      ...(IsTruncated && { NextContinuationToken: listed[limit - 1]!.key }),
    };
  }
  throw new Error(`the simulated S3 has no ${(command as object).constructor.name}`);
}

/** An object's body, as the SDK returns it. */
function bodyOf(bytes: Uint8Array, cutAt?: number) {
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    yield bytes.subarray(0, cutAt);
    if (cutAt !== undefined) throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
  }
  return { bytes, transformToByteArray: () => gathered(chunks()), [Symbol.asyncIterator]: chunks };
}

/** The answer to a GetObject whose connection breaks in the middle of the body. */
export function withCutBody(answer: unknown, { between }: Rng): object {
  const { Body, ...rest } = answer as { Body: ReturnType<typeof bodyOf> };
  return { ...rest, Body: bodyOf(Body.bytes, between(0, Body.bytes.length)) };
}

/** An error as the SDK throws it. */
export function s3Error(name: string, httpStatusCode: number): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });
}
