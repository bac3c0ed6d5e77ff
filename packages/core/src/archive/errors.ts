/**
 * Errors that reading an archive throws: see docs/archive-format.md, "Reading".
 */
import * as v from "valibot";
import type { ErrorCode } from "../errors/error-codes.ts";
import { type FerryError, permanent } from "../errors/errors.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";

/** Makes the errors of a code: each is a sentence about an object, of which `predicate` is the part after the object's name. */
export function objectError(code: ErrorCode, operation: string, hint: string) {
  return (bucket: BucketAddress, key: string, predicate: string): FerryError =>
    permanent(code, { operation, resource: objectResource(bucket, key), predicate, hint });
}

/** manifest-summary.json or manifest-files.json cannot be read, or contradicts the other one or the archive. */
export const brokenManifest = objectError(
  "broken-manifest",
  "read manifest",
  "The archive was damaged after it was written, or was written incorrectly: restore from another backup.",
);

/** task.json or table.json of Ferry's archive is missing or cannot be read. */
export const brokenArchive = objectError(
  "broken-archive",
  "read archive",
  "The archive was damaged after it was written: restore from another backup, or from an intact copy.",
);

/** A version, format or type that this version of Ferry does not support. */
export const unknownFormat = objectError(
  "unknown-format",
  "read archive",
  "Ferry reads its own format-version 1 and DynamoDB's exports in DYNAMODB_JSON: export again, or update Ferry.",
);

/** Calls `read`, and converts any error that it throws with `toError`. */
export function readable<T>(read: () => T, toError: (predicate: string) => Error): T {
  try {
    return read();
  } catch (error) {
    throw toError(`cannot be read: ${reasonOf(error)}`);
  }
}

/** The message of an error; if a schema threw it, with the path of the field. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const path = v.isValiError(error) ? v.getDotPath(error.issues[0]) : null;
  return path === null ? error.message : `${path}: ${error.message}`;
}
