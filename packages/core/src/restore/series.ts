/**
 * A series: a full export of DynamoDB and the incremental exports that follow it. Restored in order, they give the table as it
 * was at the end of the last one. These checks refuse exports that do not form one.
 */

import type { Manifest } from "../archive/manifest.ts";
import type { ErrorCode } from "../errors/error-codes.ts";
import { permanent } from "../errors/errors.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { msOf } from "../time.ts";

/** The API takes the times of an export in whole seconds, but a full export of the present has milliseconds. */
const TIME_STEP_MS = 1000;

/** An export of a series. */
export interface SeriesExport {
  readonly prefix: string;
  readonly manifest: Pick<Manifest, "own" | "lines" | "window" | "table">;
}

/** Refuses another first archive than a full export of DynamoDB that names its time. Permanent error: `not-a-series`. */
export function requireFullExport(bucket: BucketAddress, { prefix, manifest }: SeriesExport): void {
  const problem = manifest.own
    ? "is a backup of Ferry, not a full export of DynamoDB: a backup is not of one moment, so no incremental export follows it"
    : manifest.lines === "changes"
      ? "is an incremental export, not a full one"
      : manifest.window === undefined
        ? "has no exportTime, so it is unknown which incremental export follows it"
        : undefined;
  if (problem === undefined) return;
  throw seriesError("not-a-series", bucket, prefix, {
    predicate: `${problem}.`,
    hint: "Name a full export of DynamoDB in bucket-prefix, and the incremental exports that follow it in increments. To restore this archive alone, omit increments and until.",
  });
}

/**
 * Refuses incremental exports of which one does not begin where the one before ends, or that are of another table. Permanent
 * errors: `not-a-series`, `series-not-joined`, `series-of-other-table`.
 */
export function requireJoined(
  bucket: BucketAddress,
  full: SeriesExport,
  increments: readonly SeriesExport[],
): void {
  for (const { prefix, manifest } of increments) {
    const { lines, window } = manifest;
    const problem =
      lines === "items"
        ? "is not an incremental export"
        : window?.from === undefined
          ? "has no exportFromTime or no exportToTime"
          : window.from >= window.to
            ? `has the time range ${window.from} to ${window.to}, which is empty`
            : undefined;
    if (problem !== undefined)
      throw seriesError("not-a-series", bucket, prefix, {
        predicate: `${problem}.`,
        hint: "List only incremental exports of DynamoDB in increments, by the folders that hold their manifest-summary.json.",
      });
    requireSameTable(bucket, full, { prefix, manifest });
  }
  let before = full;
  for (const one of increments) {
    const [from, end] = [rangeOf(one).from, rangeOf(before).to];
    if (!joins(end, from, before === full)) throw notJoined(bucket, full, before, one, increments);
    before = one;
  }
}

function requireSameTable(bucket: BucketAddress, full: SeriesExport, one: SeriesExport): void {
  const [expected, found] = [full.manifest.table, one.manifest.table];
  const differs = (["arn", "id"] as const).find(
    (name) => expected[name] !== undefined && found[name] !== undefined && expected[name] !== found[name],
  );
  if (differs === undefined) return;
  throw seriesError("series-of-other-table", bucket, one.prefix, {
    predicate: `is of the table with the ${differs === "id" ? "id" : "ARN"} ${found[differs]}; the full export is of ${expected[differs]}.`,
    hint:
      differs === "id"
        ? "The table was deleted and created again between the exports. Restore exports of one table."
        : "List the incremental exports of the full export's table.",
  });
}

/** Whether a window that begins at `from` continues a state of `end`, both ISO 8601 with milliseconds. */
export function joins(end: string, from: string, isAfterFull: boolean): boolean {
  if (from === end) return true;
  // Items that changed in the overlap are in the window in their state at its end.
  const overlapMs = msOf(end) - msOf(from);
  return isAfterFull && overlapMs > 0 && overlapMs < TIME_STEP_MS;
}

function notJoined(
  bucket: BucketAddress,
  full: SeriesExport,
  before: SeriesExport,
  one: SeriesExport,
  increments: readonly SeriesExport[],
) {
  const [range, earlier] = [rangeOf(one), rangeOf(before)];
  const sorted = increments.toSorted((a, b) => (rangeOf(a).from < rangeOf(b).from ? -1 : 1));
  const isJoinedIn = (series: readonly SeriesExport[]) =>
    series.every((next, at) =>
      joins(rangeOf(at === 0 ? full : series[at - 1]!).to, rangeOf(next).from, at === 0),
    );
  if (isJoinedIn(sorted))
    return seriesError("series-not-joined", bucket, one.prefix, {
      predicate: `is in the wrong place: its time range is ${range.from} to ${range.to}, and the export before it ends at ${earlier.to}.`,
      hint: `List the exports in the order of their time ranges: ${sorted.map(({ prefix }) => prefix).join(", ")}.`,
    });
  const isGap = range.from > earlier.to;
  return seriesError("series-not-joined", bucket, one.prefix, {
    predicate: isGap
      ? `begins at ${range.from}, but ${before.prefix} ends at ${earlier.to}: the changes between are missing.`
      : `begins at ${range.from}, but ${before.prefix} ends at ${earlier.to}: the time ranges overlap.`,
    hint: isGap
      ? `Add the incremental export that begins at ${earlier.to}. As long as point-in-time recovery covers that time, it can be made now.`
      : "List exports of which each begins at the time at which the one before ends.",
  });
}

/** The time range of an export whose times were checked; of a full export only `to`. */
function rangeOf({ manifest }: SeriesExport): { from: string; to: string } {
  const { from = "", to = "" } = manifest.window ?? {};
  return { from, to };
}

/** An error of a series. `prefix`: the export's. `predicate`: what is wrong with it, without its name. */
export function seriesError(
  code: ErrorCode,
  bucket: BucketAddress,
  prefix: string,
  details: { readonly predicate: string; readonly hint: string },
) {
  return permanent(code, { operation: "plan restore", resource: objectResource(bucket, prefix), ...details });
}
