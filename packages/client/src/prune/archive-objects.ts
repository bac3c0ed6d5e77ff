/**
 * The objects of an archive, in the order in which a prune removes them.
 *
 * The first step removes what every reader of Ferry requires (`task.json`; of an export `_started`), the second the summary, without
 * which no reader takes the rest for an archive. What is left until the last step, manifest-files.json without these, is not a state
 * that a writer leaves: by it the next prune finds what an earlier one did not complete.
 */
import { segmentOfKey } from "@ferry/core/archive/keys";
import type { BucketAddress } from "@ferry/core/request/addresses";
import type { AwsAccess } from "../access.ts";
import { listPages } from "../archive/list-pages.ts";

/** Who writes archives. */
export type ArchiveWriter = "ferry" | "dynamodb";

/** An object. */
export interface FoundObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/** The objects below an archive's prefix. */
export interface ArchiveObjects {
  /** Each step's objects are removed before those of the next. */
  readonly steps: readonly (readonly FoundObject[])[];
  /** Objects that do not belong to the archive. They stay. */
  readonly foreign: readonly FoundObject[];
}

type IsIn = (name: string) => boolean;

const SUMMARY: IsIn = (name) => /^manifest-summary\.(json|md5)$/.test(name);
const LIST: IsIn = (name) => name === "manifest-files.json";
const isIndex: IsIn = (name) => /^index\/[0-9a-f]{4}\.json$/.test(name);
const isOwnDataFile: IsIn = (name) =>
  /^0x[^/]+\/0x[^/]+$/.test(name) && segmentOfKey(`/${name}`) !== undefined;

/** The objects of each step, by their names below the prefix. */
const STEPS: Readonly<Record<ArchiveWriter, readonly IsIn[]>> = {
  ferry: [
    (name) => name === "task.json",
    SUMMARY,
    (name) => name === "table.json" || name === "manifest-files.md5" || isIndex(name) || isOwnDataFile(name),
    LIST,
  ],
  dynamodb: [
    (name) => name === "_started",
    SUMMARY,
    // Ferry reads a table.json that was put beside an export.
    (name) => name === "table.json" || name === "manifest-files.md5" || /^data\/[^/]+$/.test(name),
    LIST,
  ],
};

/** Lists the objects below an archive's prefix. */
export async function listArchiveObjects(
  access: Pick<AwsAccess, "s3">,
  bucket: BucketAddress,
  { prefix, writer }: { readonly prefix: string; readonly writer: ArchiveWriter },
): Promise<ArchiveObjects> {
  const steps: FoundObject[][] = STEPS[writer].map(() => []);
  const foreign: FoundObject[] = [];
  const Prefix = `${prefix}/`;
  for await (const { Contents = [] } of listPages(access.s3(bucket.region), { Bucket: bucket.name, Prefix }))
    for (const { Key: key = "", Size: sizeBytes = 0 } of Contents) {
      const name = key.slice(Prefix.length);
      const step = STEPS[writer].findIndex((isIn) => isIn(name));
      (steps[step] ?? foreign).push({ key, sizeBytes });
    }
  return { steps, foreign };
}
