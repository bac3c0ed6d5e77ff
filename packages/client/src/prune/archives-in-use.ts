/**
 * The archives that open tasks of a stage read or write.
 */

import { decodeFiles } from "@ferry/core/archive/file-list";
import { manifestFilesKey } from "@ferry/core/archive/keys";
import { isEnded, taskStates } from "@ferry/core/projection/status";
import type { BucketAddress } from "@ferry/core/request/addresses";
import type { AwsAccess } from "../access.ts";
import { s3Url } from "../s3-url.ts";
import type { Stage } from "../stage/stage.ts";
import { listTasks, readPlanOfRow } from "../task/task-rows.ts";
import type { ArchivesInUse } from "./plan-prune.ts";

/** Fields of a plan whose values are prefixes that a restore reads. */
const PREFIX_FIELDS: ReadonlySet<string> = new Set(["bucket-prefix", "prefix", "writtenFor"]);

/** Splits a data file's key into the prefix of its archive and the rest. */
const DATA_FILE = /^(.+?)\/(?:0x[^/]+|data)\/[^/]+$/;

/** The URLs of the archives that tasks which have not ended use, with a task of each. */
export async function archivesInUse(
  stage: Stage,
  access: Pick<AwsAccess, "archive">,
): Promise<ArchivesInUse> {
  const states = taskStates.filter((state) => !isEnded(state));
  const used = new Map<string, string>();
  for (const task of await listTasks(stage, { states })) {
    const { bucket, prefix } = task.archive;
    const id = task.id ?? `${task.key}@${task.timestamp}`;
    const plan = await readPlanOfRow(stage, { ...task, timestamp: task.timestamp! });
    const listed = await Promise.all(
      asListed(plan).map((one) =>
        prefixesOfFiles({ region: task.archive.region, name: bucket }, one, access),
      ),
    );
    for (const one of new Set([prefix, ...prefixesIn(plan), ...listed.flat()]))
      used.set(s3Url({ bucket, prefix: one }), id);
  }
  return used;
}

/** The prefixes for which the manifests were written that a restore reads with manifest-keys as-listed. */
function asListed(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { keys, writtenFor } = value as { readonly keys?: unknown; readonly writtenFor?: unknown };
  return keys === "as-listed" && typeof writtenFor === "string"
    ? [writtenFor]
    : Object.values(value).flatMap(asListed);
}

/** The prefixes of the archives in which the data files of a manifest are. */
async function prefixesOfFiles(
  bucket: BucketAddress,
  writtenFor: string,
  { archive }: Pick<AwsAccess, "archive">,
): Promise<string[]> {
  const stored = await archive.get(bucket, manifestFilesKey(writtenFor));
  // The task then fails, whatever is removed.
  if (stored === undefined) return [];
  return decodeFiles(stored.body).map(({ dataFileS3Key: key }) => DATA_FILE.exec(key)?.[1] ?? key);
}

/** The prefixes in a plan: a restore may read a manifest at one and data files at others. */
function prefixesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (typeof inner === "string") return PREFIX_FIELDS.has(name) ? [inner.replace(/\/+$/, "")] : [];
    return prefixesIn(inner);
  });
}
