/**
 * Removes the archives of a place that no rule keeps, with the caller's own permissions.
 */
import type { AwsAccess } from "../access.ts";
import { listArchives } from "../archive/list-archives.ts";
import { bucketAt } from "../archive/open-archive.ts";
import { ClientError } from "../client-error.ts";
import { parseS3Url, type S3Place, s3Url } from "../s3-url.ts";
import type { Stage } from "../stage/stage.ts";
import { archivesInUse } from "./archives-in-use.ts";
import type { KeepRules } from "./keep-rules.ts";
import { type ArchivesInUse, type PruneDecision, planPrune, timeOf } from "./plan-prune.ts";
import { keepsVersions, type RemovedArchive, removeArchive } from "./remove-archive.ts";

export interface PruneRequest {
  readonly rules: KeepRules;
  /** Whether the rules also apply to DynamoDB's full exports. */
  readonly exports?: boolean;
  /** The stage whose open tasks are looked at; absent: none are. */
  readonly stage?: Stage;
}

/** A prune that was decided and not carried out. */
export interface Prune {
  readonly decisions: readonly PruneDecision[];
  /** Whether the bucket keeps versions of deleted objects; undefined if the caller may not know. */
  readonly keepsVersions: boolean | undefined;
  /**
   * Removes the archives, the oldest first. Yields each with what was removed. Looks at the stage's open tasks again before each.
   */
  remove(): AsyncGenerator<
    { readonly decision: PruneDecision; readonly removed: RemovedArchive },
    void,
    void
  >;
}

const NO_TASKS: ArchivesInUse = new Map();

/** Decides what a prune would do. Nothing is changed. ClientErrors `usage` without a rule, and those of `listArchives`. */
export async function preparePrune(
  access: Pick<AwsAccess, "archive" | "region" | "s3">,
  place: S3Place,
  { rules, exports = false, stage }: PruneRequest,
): Promise<Prune> {
  if (Object.values(rules).every((rule) => rule === undefined))
    throw new ClientError("usage", "usage", {
      message: "A prune needs at least one rule: without one it would remove every archive.",
      hint: "For instance --keep-last 7, or --keep-within 30d.",
    });
  const bucket = await bucketAt(access, place.bucket, undefined);
  const readInUse = async () => (stage === undefined ? NO_TASKS : archivesInUse(stage, access));
  const [archives, inUse, versions] = await Promise.all([
    Array.fromAsync(listArchives(access, place)),
    readInUse(),
    keepsVersions(access, bucket),
  ]);
  // The place may be an export itself. Then those beside it were not listed.
  const isExport =
    exports && archives.some(({ url, writer }) => url === s3Url(place) && writer === "dynamodb");
  const parent = { ...place, prefix: place.prefix.slice(0, Math.max(0, place.prefix.lastIndexOf("/"))) };
  const neighbours = isExport ? await Array.fromAsync(listArchives(access, parent)) : [];
  const decisions = planPrune(archives, { rules, exports, inUse, neighbours });

  async function* remove() {
    for (const decision of oldestFirst(decisions)) {
      const { url, writer } = decision.archive;
      const task = (await readInUse()).get(url);
      const removed =
        task === undefined
          ? await removeArchive(access, bucket, {
              prefix: parseS3Url(url).prefix,
              writer: writer === "dynamodb" ? writer : "ferry",
            })
          : { objects: 0, bytes: 0, foreignObjects: 0, errors: [`${url}: in use by task ${task}`] };
      yield { decision, removed };
    }
  }
  return { decisions, keepsVersions: versions, remove };
}

function oldestFirst(decisions: readonly PruneDecision[]): PruneDecision[] {
  return decisions
    .filter(({ decision }) => decision === "remove")
    .sort((a, b) => ((timeOf(a.archive) ?? "") < (timeOf(b.archive) ?? "") ? -1 : 1));
}
