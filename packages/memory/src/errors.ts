/**
 * The errors of the memory ports: those that the AWS hosts throw.
 */

import { about, FerryError, permanent } from "@ferry/core/errors/errors";
import {
  type BucketAddress,
  objectResource,
  type TableAddress,
  tableResource,
} from "@ferry/core/request/addresses";

/** ResourceNotFoundException. */
export function noSuchTable(operation: string, table: TableAddress): FerryError {
  return permanent("no-such-table", {
    operation,
    resource: tableResource(table),
    message: `There is no ${tableResource(table)}.`,
    hint: "Check table-name and table-region.",
  });
}

/** ValidationException. */
export function invalid(operation: string, resource: string, message: string): FerryError {
  return permanent("invalid-request", {
    operation,
    resource,
    message,
    hint: "The request does not match the table or bucket: check that it is the right one.",
  });
}

/** ProvisionedThroughputExceededException and the like. */
export function throttled(operation: string, resource: string): FerryError {
  return new FerryError("throttled", "throttled", {
    operation,
    resource,
    message: `The service throttles calls on ${resource}.`,
    hint: "Ferry backs off and retries; nothing needs to be done.",
  });
}

/** NoSuchBucket. */
export function noSuchBucket(operation: string, bucket: BucketAddress): FerryError {
  return permanent("no-such-bucket", {
    operation,
    resource: objectResource(bucket),
    message: `There is no bucket ${bucket.name}.`,
    hint: "Check bucket-name.",
  });
}

/** A limit of the port, not of S3: only objects below it are read whole. */
export function objectTooLarge(operation: string, resource: string, sizeBytes: number): FerryError {
  return permanent("object-too-large", {
    operation,
    resource,
    predicate: `has ${sizeBytes} bytes; it is too large to be read whole`,
    hint: "Check that the object under this key is the one that Ferry or DynamoDB wrote.",
  });
}

/** PreconditionFailed of a read. */
export function objectChanged(operation: string, resource: string, ifMatch: string): FerryError {
  return permanent("object-changed", {
    operation,
    resource,
    predicate: `no longer has the ETag ${ifMatch}`,
    hint: "Another writer changes objects under this prefix while it is read: stop it, then request the task again.",
  });
}

/** PermanentRedirect: the bucket is in another region, and the redirect is not followed. */
export function wrongRegion(operation: string, bucket: BucketAddress): FerryError {
  return permanent("wrong-region", {
    operation,
    resource: objectResource(bucket),
    message: about(`bucket ${bucket.name}`, "is in another region"),
    hint: "Check bucket-region.",
  });
}

/** AccessDenied. */
export function accessDenied(operation: string, resource: string, message: string): FerryError {
  return permanent("access-denied", {
    operation,
    resource,
    message,
    hint: "Check bucket-owner and the worker's role.",
  });
}
