/**
 * Plans a backup. The backup starts when the returned event is recorded. Before that only `task.json` and `table.json` are put:
 * `task.json` claims the prefix, and a redelivered request continues with the plan that is stored in it.
 */

import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { toLines } from "../archive/data-file.ts";
import { tableKey } from "../archive/keys.ts";
import { cutPage } from "../archive/page.ts";
import { encodeTableSettings } from "../archive/table-settings.ts";
import { claimPrefix } from "../archive/task-file.ts";
import type { BackupPlan, FerryEvent } from "../events/events.ts";
import type { Ports, TableDescription } from "../ports.ts";
import { IMPORT_FILES_MAX } from "../projection/notes.ts";
import { taskAccepted } from "../request/accepted.ts";
import type { Start } from "../request/registration.ts";
import type { BackupRequest } from "../request/request.ts";
import type { TaskRef } from "../request/task.ts";
import type { Settings } from "../settings/settings.ts";
import { tableOf } from "../table/table-identity.ts";
import { isoOf } from "../time.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const SEGMENT_BYTES = 4 * GIB;
const DEFAULT_SEGMENTS_MAX = 64;
const DEFAULT_BATCH_BYTES = 32 * MIB;
/** Smaller files would cost more requests than capacity. A table that is smaller may have them: it has few. */
const BATCH_BYTES_MIN = MIB;
/** The most that a request may have, too: a put that fails, or that another worker wins, costs the work of a whole file. */
const BATCH_BYTES_MAX = 256 * MIB;
/** The most bytes of a line for each byte that DynamoDB counts: an item with only a key of one character. */
const LINE_RATIO_MAX = 16;
/** The items that are read to estimate the size of a backup. A scan returns them in the order of their hashes, so at random. */
const SAMPLE_ITEMS = 200;
/** Below ImportTable's limit, because the table may grow while it is read. */
const FILES_MAX = 0.9 * IMPORT_FILES_MAX;

/** Plans a valid backup request and returns the event that accepts it. Throws a permanent error if it must be rejected. */
export async function planBackup(
  request: BackupRequest,
  task: TaskRef,
  { requestTimeMs, attempt, deadlineMs }: Start,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const address = tableOf({ request });
  const table = await ports.tables.describe(address);
  // Before the prefix is claimed: if a permission is missing, the request may be repeated for the same prefix.
  const settings = await ports.tables.settings(address);
  const lineBytes = await estimateLineBytes(request, table, ports);
  const plan = await claimPrefix(derivePlan(request, task, requestTimeMs, table, lineBytes, ports), ports);
  await ports.archive.putNew(
    bucketOf(request),
    tableKey(request["bucket-prefix"]),
    encodeTableSettings(table, settings),
    {
      metadata: { "request-id": task["request-id"] },
      contentType: "application/json",
      ...kmsOf(request),
    },
  );
  return [taskAccepted(plan, attempt, deadlineMs)];
}

/** The segments of a backup that names none, from the table's size. */
export function defaultSegments(sizeBytes: number): number {
  return Math.min(Math.max(1, Math.ceil(sizeBytes / SEGMENT_BYTES)), DEFAULT_SEGMENTS_MAX);
}

/**
 * About how many bytes of lines a backup of the table has. DynamoDB counts an item's names and values; as JSON it is up to several
 * times as large. Of a table that is large enough for that to matter, a few items are read.
 */
async function estimateLineBytes(
  request: BackupRequest,
  table: TableDescription,
  ports: Ports,
): Promise<number> {
  const { sizeBytes, itemCount } = table;
  if (sizeBytes * LINE_RATIO_MAX <= FILES_MAX * batchBytesOf(request)) return sizeBytes;
  const { body, bounds, count } = cutPage(
    await ports.tables.scan({
      table: tableOf({ request }),
      segment: 0,
      totalSegments: 1,
      consistent: false,
      limit: SAMPLE_ITEMS,
    }),
  );
  if (count === 0) return sizeBytes;
  return Math.max(sizeBytes, (toLines(body, bounds).length / count) * itemCount);
}

function batchBytesOf(request: BackupRequest): number {
  return request["batch-bytes"] ?? DEFAULT_BATCH_BYTES;
}

function derivePlan(
  request: BackupRequest,
  task: TaskRef,
  requestTimeMs: number,
  table: TableDescription,
  lineBytes: number,
  ports: Ports,
): BackupPlan {
  const segments =
    request["total-segments"] ?? Math.min(defaultSegments(table.sizeBytes), ports.settings.maximumSegments);
  const leastBytes = Math.max(
    table.sizeBytes < BATCH_BYTES_MIN ? 1 : BATCH_BYTES_MIN,
    Math.min(Math.ceil(lineBytes / FILES_MAX), BATCH_BYTES_MAX),
  );
  const units =
    request["read-units"] ??
    (table.provisioned === undefined ? undefined : Math.max(1, Math.floor(table.provisioned.readUnits / 2)));
  return {
    request,
    task,
    "total-segments": segments,
    "batch-bytes": Math.max(batchBytesOf(request), leastBytes),
    ...compressionOfRequest(request, ports.settings),
    ...(units !== undefined && {
      "read-units": units,
      ...(table.itemCount > 0 && { "item-bytes": Math.ceil(table.sizeBytes / table.itemCount) }),
    }),
    table: { arn: table.arn, keys: table.keys, ...(table.id !== undefined && { id: table.id }) },
    ...(table.itemCount > 0 && { estimate: { items: table.itemCount, bytes: table.sizeBytes } }),
    started: isoOf(requestTimeMs),
  };
}

/** The compression and its level: the request's, or else the stage's. */
function compressionOfRequest(
  request: BackupRequest,
  settings: Settings,
): Pick<BackupPlan, "compression" | "compression-level"> {
  const compression = request.compression ?? settings.compression;
  const ofStage = compression === "gzip" ? settings.compressionLevel : settings.zstdLevel;
  return { compression, "compression-level": request["compression-level"] ?? ofStage };
}
