/**
 * The bucket of a request: where it is, and with which key objects are encrypted there.
 */
import type { BucketAddress } from "../ports.ts";
import type { BackupRequest, RestoreRequest } from "../request.ts";

/** The bucket of a request, as the archive store takes it. */
export function bucketOf(request: BackupRequest | RestoreRequest): BucketAddress {
  const owner = request["bucket-owner"];
  return {
    region: request["bucket-region"],
    name: request["bucket-name"],
    ...(owner !== undefined && { owner }),
  };
}

/** The key that what is written is encrypted with, where the request names one. */
export function kmsOf(request: BackupRequest): { kmsKeyId?: string } {
  const kmsKeyId = request["kms-key-id"];
  return kmsKeyId === undefined ? {} : { kmsKeyId };
}
