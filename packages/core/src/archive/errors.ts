/**
 * What a reader of an archive refuses: see docs/archive-format.md, "Reading".
 */
import { permanent } from "../errors.ts";
import type { BucketAddress } from "../ports.ts";

/** manifest-summary.json or manifest-files.json cannot be read, or contradict each other or the archive. */
export function brokenManifest(bucket: BucketAddress, key: string, message: string) {
  return permanent("broken-manifest", {
    operation: "read manifest",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}.`,
    hint: "The archive was damaged after it was written, or its writer is at fault: restore from another backup.",
  });
}

/** task.json or table.json of an archive of Ferry's is missing or cannot be read. */
export function brokenArchive(bucket: BucketAddress, key: string, message: string) {
  return permanent("broken-archive", {
    operation: "read archive",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}.`,
    hint: "The archive was damaged after it was written: restore from another backup, or from a copy that is whole.",
  });
}

/** A version, format or type that this reader does not know. */
export function unknownFormat(bucket: BucketAddress, key: string, message: string) {
  return permanent("unknown-format", {
    operation: "read archive",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}.`,
    hint: "Ferry reads its own format-version 1 and DynamoDB's exports in DYNAMODB_JSON: export anew, or update Ferry.",
  });
}

/** Reads the text of an object; what the reading throws becomes a refusal that names the object. */
export function readable<T>(read: () => T, refusal: (message: string) => Error): T {
  try {
    return read();
  } catch (error) {
    throw refusal(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
