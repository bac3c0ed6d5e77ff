/**
 * What the memory ports refuse, as the AWS adapters would say it.
 */
import { FerryError, permanent } from "@ferry/core/errors";
import type { BucketAddress, TableAddress } from "@ferry/core/ports";

export function tableResource(table: TableAddress): string {
  return `table ${table.name} in ${table.region}`;
}

export function objectResource(bucket: BucketAddress, key = ""): string {
  return `s3://${bucket.name}/${key}`;
}

/** ResourceNotFoundException. */
export function noSuchTable(operation: string, table: TableAddress): FerryError {
  return permanent("no-such-table", {
    operation,
    resource: tableResource(table),
    message: "There is no such table.",
    hint: "Check table-name and table-region.",
  });
}

/** ValidationException. */
export function invalid(operation: string, resource: string, message: string): FerryError {
  return permanent("invalid-request", {
    operation,
    resource,
    message,
    hint: "What was sent does not fit the table: check that it is the right one.",
  });
}

/** ProvisionedThroughputExceededException and its like. */
export function throttled(operation: string, resource: string): FerryError {
  return new FerryError("throttled", "throttled", {
    operation,
    resource,
    message: "The service asks for less.",
    hint: "Ferry backs off by itself.",
  });
}

/** NoSuchBucket. */
export function noSuchBucket(operation: string, bucket: BucketAddress): FerryError {
  return permanent("no-such-bucket", {
    operation,
    resource: objectResource(bucket),
    message: "There is no such bucket.",
    hint: "Check bucket-name.",
  });
}

/** Not S3's, but the port's: what is read whole is bounded. */
export function objectTooLarge(operation: string, resource: string, sizeBytes: number): FerryError {
  return permanent("object-too-large", {
    operation,
    resource,
    message: `has ${sizeBytes} bytes, more than is read whole.`,
    hint: "Check that the object is what its name says.",
  });
}

/** PreconditionFailed, of a read. */
export function objectChanged(operation: string, resource: string, ifMatch: string): FerryError {
  return permanent("object-changed", {
    operation,
    resource,
    message: `is not the object with the ETag ${ifMatch} any more.`,
    hint: "Something else writes under this prefix while it is read.",
  });
}

/** PermanentRedirect: the bucket is in another region, and the redirect is not followed. */
export function wrongRegion(operation: string, bucket: BucketAddress): FerryError {
  return permanent("wrong-region", {
    operation,
    resource: objectResource(bucket),
    message: "The bucket is in another region.",
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
