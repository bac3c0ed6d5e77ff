/**
 * Finds the incremental exports that follow a full export, by the manifests in its folder `AWSDynamoDB/`.
 */

import { manifestSummaryKey } from "../archive/keys.ts";
import { decodeSummary, type Summary } from "../archive/summary.ts";
import { isPermanent } from "../errors/errors.ts";
import type { Ports } from "../ports.ts";
import type { BucketAddress } from "../request/addresses.ts";
import { isoOf, msOf } from "../time.ts";
import { joins, type SeriesExport, seriesError } from "./series.ts";

const FOLDER = /(^|\/)AWSDynamoDB\/(?=[^/]+$)/;
/** Keys of one listing. */
const KEYS_MAX = 1000;
/** The most exports among which it searches: about two years of an export each hour. */
const EXPORTS_MAX = 20_000;
/** How many manifests are read at once. */
const READS_AT_ONCE = 16;
/** The character after `/`: a listing that starts here skips the rest of a folder. */
const AFTER_SLASH = "0";

type FindPorts = Pick<Ports, "archive">;

/** An incremental export with its time range. */
interface Candidate {
  readonly prefix: string;
  readonly from: string;
  readonly to: string;
}

/** The full export, and the time after which no change is wanted, ms since 1970. */
interface Search extends SeriesExport {
  readonly untilMs: number;
}

/**
 * The prefixes of the fewest incremental exports that lead, without a gap, from the full export to the latest time that is
 * not after `untilMs`. Permanent errors: `not-a-series`, if the full export is in no folder `AWSDynamoDB/`;
 * `series-not-joined`, if an export that ends by then cannot be reached, or there is none.
 */
export async function findIncrements(
  bucket: BucketAddress,
  full: Search,
  ports: FindPorts,
): Promise<readonly string[]> {
  const { prefix, untilMs, manifest } = full;
  const root = FOLDER.exec(prefix) === null ? undefined : prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (root === undefined)
    throw seriesError("not-a-series", bucket, prefix, {
      predicate: "is not in a folder AWSDynamoDB/, in which until searches for incremental exports.",
      hint: "List the prefixes of the incremental exports in increments instead.",
    });
  const start = manifest.window!.to;
  if (untilMs < msOf(start))
    throw seriesError("series-not-joined", bucket, prefix, {
      predicate: `is of ${start}, which is later than until, ${isoOf(untilMs)}.`,
      hint: "Choose a full export of an earlier time, or a later time for until.",
    });
  const { candidates, unread } = await readCandidates(bucket, root, full, ports);
  const until = isoOf(untilMs);
  const inTime = candidates.filter(({ to }) => to <= until);
  const path = shortestPath(start, inTime);
  const end = path.at(-1)?.to ?? start;
  const missed = inTime
    .filter(({ to }) => to > end)
    .sort((a, b) => (a.from < b.from || (a.from === b.from && a.to < b.to) ? -1 : 1))[0];
  if (missed !== undefined || path.length === 0)
    throw seriesError("series-not-joined", bucket, prefix, {
      predicate: `${
        missed === undefined
          ? `is of ${start}, and no incremental export of its table that begins then ends by ${until}`
          : `leads to ${end}, and no incremental export of its table begins then: ${missed.prefix} is of ${missed.from} to ${missed.to}`
      }${unread}.`,
      hint:
        missed === undefined
          ? "Check that the incremental exports have finished and are in the same folder as the full one. To restore the full export alone, omit until."
          : `Add the incremental export that begins at ${end}, or request until ${end}.`,
    });
  return path.map((one) => one.prefix);
}

/** The incremental exports of the full export's table in a folder, and a text about those that could not be read. */
async function readCandidates(
  bucket: BucketAddress,
  root: string,
  { prefix, manifest }: Search,
  ports: FindPorts,
): Promise<{ readonly candidates: readonly Candidate[]; readonly unread: string }> {
  const folders = await foldersIn(bucket, root, ports);
  const { table } = manifest;
  const candidates: Candidate[] = [];
  const problems: string[] = [];
  const read = async (folder: string) => {
    const summary = await summaryOf(bucket, folder, ports);
    if (typeof summary === "string") problems.push(summary);
    if (typeof summary !== "object" || summary.lines !== "changes") return;
    const isOther = (["arn", "id"] as const).some(
      (name) => table[name] !== undefined && summary.table[name] !== table[name],
    );
    const { from, to } = summary.window ?? {};
    if (!isOther && from !== undefined && to !== undefined && from < to)
      candidates.push({ prefix: folder, from, to });
  };
  for (let at = 0; at < folders.length; at += READS_AT_ONCE)
    await Promise.all(folders.slice(at, at + READS_AT_ONCE).map(read));
  if (folders.length >= EXPORTS_MAX)
    throw seriesError("not-a-series", bucket, prefix, {
      predicate: `is in a folder with ${EXPORTS_MAX} exports or more, too many to search.`,
      hint: "List the prefixes of the incremental exports in increments instead.",
    });
  const unread =
    problems.length === 0
      ? ""
      : ` (${problems.length} of ${folders.length} exports in the folder cannot be used, for instance: ${problems.sort()[0]})`;
  return { candidates, unread };
}

/** The summary of an export; a text if it cannot be used; undefined if the folder holds no export. */
async function summaryOf(
  bucket: BucketAddress,
  folder: string,
  ports: FindPorts,
): Promise<Summary | string | undefined> {
  const key = manifestSummaryKey(folder);
  const stored = await ports.archive.get(bucket, key);
  if (stored === undefined)
    return folder.endsWith("/data")
      ? undefined
      : `s3://${bucket.name}/${folder} has no manifest-summary.json`;
  try {
    return decodeSummary(bucket, key, stored.body);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    return error.message.replace(/\.$/, "");
  }
}

/** The prefixes of the folders directly in a folder, ascending. Lists only the first keys of a large one. */
async function foldersIn(bucket: BucketAddress, root: string, ports: FindPorts): Promise<readonly string[]> {
  const folders: string[] = [];
  let after = root;
  while (folders.length < EXPORTS_MAX) {
    const listed = await ports.archive.list(bucket, root, { after, limit: KEYS_MAX });
    for (const { key } of listed) {
      const length = key.indexOf("/", root.length);
      const folder = key.slice(0, length);
      if (length >= 0 && folder !== folders.at(-1)) folders.push(folder);
    }
    const last = listed.at(-1)?.key;
    if (last === undefined || listed.length < KEYS_MAX) break;
    after = last.includes("/", root.length) ? `${folders.at(-1)}${AFTER_SLASH}` : last;
  }
  return folders;
}

/** The fewest exports from `start` to the latest time that can be reached. */
function shortestPath(start: string, candidates: readonly Candidate[]): readonly Candidate[] {
  // By prefix, so that of two exports of one time range it is always the same one that is chosen.
  const sorted = candidates.toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const byStart = Map.groupBy(sorted, ({ from }) => from);
  /** Each time that can be reached, with the last export of the way to it. */
  const reached = new Map<string, Candidate | undefined>([[start, undefined]]);
  // A Map yields the entries that are added while it is iterated: a search in the order of the number of exports.
  for (const [end] of reached) {
    const next = end === start ? sorted.filter(({ from }) => joins(end, from, true)) : byStart.get(end);
    for (const one of next ?? []) if (one.to > start && !reached.has(one.to)) reached.set(one.to, one);
  }
  const path: Candidate[] = [];
  const latest = [...reached.keys()].reduce((a, b) => (b > a ? b : a));
  for (let last = reached.get(latest); last !== undefined; last = reached.get(last.from)) path.unshift(last);
  return path;
}
