/**
 * Removes an archive, object by object.
 */
import { DeleteObjectsCommand, GetBucketVersioningCommand } from "@aws-sdk/client-s3";
import { translateErrors } from "@ferry/aws/errors";
import { isPermanent } from "@ferry/core/errors/errors";
import type { BucketAddress } from "@ferry/core/request/addresses";
import type { AwsAccess } from "../access.ts";
import { calling } from "../client-error.ts";
import { type ArchiveWriter, listArchiveObjects } from "./archive-objects.ts";

/** The most keys of a DeleteObjects call. */
const KEYS_MAX = 1000;
const ERRORS_MAX = 10;

export interface RemovedArchive {
  readonly objects: number;
  /** Their stored size. */
  readonly bytes: number;
  /** Objects below its prefix that do not belong to it, and stay. */
  readonly foreignObjects: number;
  /** What S3 refused, `key: code: message`; at most ten. Empty: the archive is removed. */
  readonly errors: readonly string[];
}

/**
 * Removes the objects of an archive. Stops after a step of which S3 refused an object: the rest is then not an archive, and the next
 * prune completes it.
 */
export async function removeArchive(
  access: Pick<AwsAccess, "s3">,
  bucket: BucketAddress,
  archive: { readonly prefix: string; readonly writer: ArchiveWriter },
): Promise<RemovedArchive> {
  const { steps, foreign } = await listArchiveObjects(access, bucket, archive);
  let objects = 0;
  let bytes = 0;
  const errors: string[] = [];
  for (const step of steps) {
    for (let at = 0; at < step.length; at += KEYS_MAX) {
      const some = step.slice(at, at + KEYS_MAX);
      const refused = await deleteObjects(
        access,
        bucket,
        some.map(({ key }) => key),
      );
      const removed = some.filter(({ key }) => !refused.has(key));
      objects += removed.length;
      bytes += removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      errors.push(...refused.values());
    }
    if (errors.length > 0) break;
  }
  return { objects, bytes, foreignObjects: foreign.length, errors: errors.slice(0, ERRORS_MAX) };
}

/** Deletes objects. Returns what S3 refused, by key. */
async function deleteObjects(
  access: Pick<AwsAccess, "s3">,
  bucket: BucketAddress,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const call = { operation: "DeleteObjects", resource: `s3://${bucket.name}/${keys[0]}` };
  const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
  const { Errors = [] } = await calling(call, () =>
    access.s3(bucket.region).send(new DeleteObjectsCommand({ Bucket: bucket.name, Delete })),
  );
  return new Map(Errors.map(({ Key = "", Code, Message }) => [Key, `${Key}: ${Code}: ${Message}`]));
}

/** Whether a bucket keeps the versions of deleted objects; undefined if the caller may not know. */
export async function keepsVersions(
  access: Pick<AwsAccess, "s3">,
  bucket: BucketAddress,
): Promise<boolean | undefined> {
  const call = { operation: "GetBucketVersioning", resource: `s3://${bucket.name}` };
  try {
    const { Status } = await translateErrors(call, () =>
      access.s3(bucket.region).send(new GetBucketVersioningCommand({ Bucket: bucket.name })),
    );
    // A suspended bucket still has the versions from before.
    return Status !== undefined;
  } catch (error) {
    if (isPermanent(error)) return undefined;
    throw error;
  }
}
