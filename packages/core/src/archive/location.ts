/**
 * Maps the keys that a manifest lists to the keys at which the objects are read. A manifest lists keys from the bucket's
 * root, so after an archive was copied or moved they still name the original objects.
 */
import * as v from "valibot";
import { permanent } from "../errors/errors.ts";
import { described, readonlyObject } from "../events/schema-parts.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { brokenManifest } from "./errors.ts";
import { manifestSummaryKey } from "./keys.ts";

/** The location of an archive, and how the keys in its manifest are mapped. */
export const locationSchema = readonlyObject({
  prefix: described(v.string(), "The prefix under which the summary was read, without a trailing `/`."),
  writtenFor: described(v.string(), "The prefix that the manifest was written for."),
  keys: described(
    v.picklist(["own", "rebase", "as-listed"]),
    "How the listed keys are mapped. `own`: they must lie under the archive's own prefix. `rebase`: the archive was moved, and they are resolved relative to the prefix that it was written for. `as-listed`: they are read at the keys that the manifest lists.",
  ),
  shared: described(
    v.boolean(),
    "Whether the data files may be in the folder that all incremental exports of one prefix share.",
  ),
});

export type Location = v.InferOutput<typeof locationSchema>;
export type ManifestKeys = Location["keys"];

const FILES_NAME = "/manifest-files.json";
/** Matches the prefix of an incremental export whose data files are in the shared folder. */
const EXPORT_ROOT = /(^|\/)AWSDynamoDB\/[^/]+$/;

/** The location of an archive whose summary names `filesKey`. Permanent error: `broken-manifest`. */
export function locationOf(
  bucket: BucketAddress,
  prefix: string,
  filesKey: string,
  options: { readonly keys: ManifestKeys; readonly shared: boolean },
): Location {
  if (!filesKey.endsWith(FILES_NAME))
    throw brokenManifest(
      bucket,
      manifestSummaryKey(prefix),
      `has manifestFilesS3Key ${filesKey}, which is not a manifest-files.json in a folder`,
    );
  return { prefix, writtenFor: filesKey.slice(0, -FILES_NAME.length), ...options };
}

/** The prefix under which the archive's other objects are read. */
export function homeOf({ prefix, writtenFor, keys }: Location): string {
  return keys === "as-listed" ? writtenFor : prefix;
}

/** The key at which a listed object is read. Permanent error: `archive-moved`, if it lies outside the archive. */
export function readAt(bucket: BucketAddress, location: Location, listed: string): string {
  const { prefix, writtenFor, keys, shared } = location;
  if (keys === "as-listed") return listed;
  const from = keys === "own" ? prefix : writtenFor;
  if (listed.startsWith(`${from}/`)) return `${prefix}/${listed.slice(from.length + 1)}`;
  if (shared && EXPORT_ROOT.test(from) && listed.startsWith(sharedFolder(from)))
    return `${sharedFolder(prefix)}${listed.slice(sharedFolder(from).length)}`;
  throw moved(bucket, location, listed);
}

/** The folder `data/` beside an incremental export's own folder. */
function sharedFolder(prefix: string): string {
  return `${prefix.slice(0, prefix.lastIndexOf("/") + 1)}data/`;
}

function moved(bucket: BucketAddress, { prefix, writtenFor, keys }: Location, listed: string) {
  const home = keys === "own" ? prefix : writtenFor;
  return permanent("archive-moved", {
    operation: "read manifest",
    resource: objectResource(bucket, manifestSummaryKey(prefix)),
    predicate: `lists ${listed}, which is outside ${home}/: the manifest was written for ${writtenFor}/`,
    hint:
      keys === "own"
        ? "If the whole archive was moved or copied here, request the restore with manifest-keys rebase; to read the files at the keys that the manifest lists, with as-listed."
        : "Only as-listed reads files outside the archive: request the restore with manifest-keys as-listed, or restore from the original archive.",
  });
}
