/**
 * A request's bucket address and encryption key.
 */
import type { BucketAddress } from "../request/addresses.ts";
import type { BackupRequest, RestoreRequest } from "../request/request.ts";

/** The bucket address of a request, for the archive store. */
export function bucketOf(request: BackupRequest | RestoreRequest): BucketAddress {
  const owner = request["bucket-owner"];
  return {
    region: request["bucket-region"],
    name: request["bucket-name"],
    ...(owner !== undefined && { owner }),
  };
}

/** The KMS key for new objects, if the request names one. */
export function kmsOf(request: BackupRequest): { kmsKeyId?: string } {
  const kmsKeyId = request["kms-key-id"];
  return kmsKeyId === undefined ? {} : { kmsKeyId };
}
