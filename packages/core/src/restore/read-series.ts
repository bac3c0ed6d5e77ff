/**
 * Reads the manifests of a series: those that the request lists, or those that a search finds.
 */
import { bucketOf } from "../archive/bucket.ts";
import { type Manifest, readManifest } from "../archive/manifest.ts";
import type { Ports } from "../ports.ts";
import { INCREMENTS_MAX, type RestoreRequest } from "../request/request.ts";
import { msOf } from "../time.ts";
import { findIncrements } from "./find-increments.ts";
import { requireFullExport, requireJoined, type SeriesExport, seriesError } from "./series.ts";

/** How many manifests are read at once. */
const READS_AT_ONCE = 8;

type ReadPorts = Pick<Ports, "archive" | "codec">;

/**
 * The manifests of the request's incremental exports, in order; none if it requests no series. `chosen`: the exports that an
 * earlier delivery of the request found, since a search at another time may find others. Permanent errors: those of `readManifest`,
 * `not-a-series`, `series-not-joined`, `series-of-other-table`.
 */
export async function readSeries(
  request: RestoreRequest,
  full: Manifest,
  chosen: readonly string[] | undefined,
  ports: ReadPorts,
): Promise<readonly (SeriesExport & { readonly manifest: Manifest })[]> {
  const { increments, until } = request;
  if (increments === undefined && until === undefined) return [];
  const bucket = bucketOf(request);
  const first = { prefix: request["bucket-prefix"], manifest: full };
  requireFullExport(bucket, first);
  const prefixes =
    increments ?? chosen ?? (await findIncrements(bucket, { ...first, untilMs: msOf(until!) }, ports));
  if (prefixes.length > INCREMENTS_MAX)
    throw seriesError("not-a-series", bucket, first.prefix, {
      predicate: `is followed by ${prefixes.length} incremental exports until ${until}; a restore takes at most ${INCREMENTS_MAX}.`,
      hint: "Choose a later full export, or restore until an earlier time and then each later incremental export with restore-mode merge.",
    });
  const keys = request["manifest-keys"] ?? "own";
  const series: (SeriesExport & { readonly manifest: Manifest })[] = [];
  for (let at = 0; at < prefixes.length; at += READS_AT_ONCE)
    series.push(
      ...(await Promise.all(
        prefixes.slice(at, at + READS_AT_ONCE).map(async (prefix) => ({
          prefix,
          manifest: await readManifest(bucket, prefix, keys, ports),
        })),
      )),
    );
  requireJoined(bucket, first, series);
  return series;
}
