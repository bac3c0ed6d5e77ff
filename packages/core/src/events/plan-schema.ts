/**
 * The schemas of plans in events, rows and `task.json`. The types derive from them.
 */
import * as v from "valibot";
import { compressionNames } from "../archive/compression.ts";
import { locationSchema } from "../archive/location.ts";
import { backupRequestSchema, restoreRequestSchema } from "../request/request.ts";
import { taskRefSchema } from "../request/task.ts";
import { SEGMENTS_MAX } from "../settings/settings.ts";
import { count, described, either, fieldOf, list, readonlyObject } from "./schema-parts.ts";

const text = v.string();
const optional = v.exactOptional;

/** The names of a table's key attributes: hash first, then range. */
export const keyNamesSchema = v.union([
  v.pipe(v.strictTuple([text]), v.readonly()),
  v.pipe(v.strictTuple([text, text]), v.readonly()),
]);

const fingerprint = readonlyObject({ md5: text, etag: text });

const totalSegments = described(count, "The number of segments.");
const requestText = "The request, its prefix expanded: see [request.schema.json](request.schema.json).";

/** Everything that a backup's later steps need. `task.json` holds it. */
export const backupPlanSchema = readonlyObject({
  request: described(readonlyObject(backupRequestSchema(SEGMENTS_MAX).entries), requestText),
  task: taskRefSchema,
  "total-segments": totalSegments,
  "batch-bytes": described(count, "The uncompressed size of a data file, bytes."),
  compression: optional(
    described(v.picklist(compressionNames), "Absent in plans of versions that had gzip only."),
  ),
  "compression-level": described(count, "1 to 9 for gzip, 1 to 19 for zstd."),
  "read-units": optional(
    described(
      v.number(),
      "The read ceiling for all workers together, capacity units per second; absent for none.",
    ),
  ),
  "item-bytes": optional(
    described(count, "With a ceiling: the average item size that DynamoDB reports, bytes."),
  ),
  table: described(
    readonlyObject({ arn: text, id: optional(text), keys: keyNamesSchema }),
    "The table. `keys`: its key attributes, hash first.",
  ),
  estimate: optional(
    described(
      readonlyObject({ items: count, bytes: count }),
      "What DynamoDB reported for the table, up to six hours late. `bytes` as DynamoDB counts: lines are larger. Absent if it reported no items.",
    ),
  ),
  started: described(text, "ISO 8601. No item of the archive was read before this time."),
});

const manifestEntries = {
  own: described(v.boolean(), "Whether Ferry wrote the archive. Then no two of its lines have the same key."),
  location: described(locationSchema, "The manifest's location, and how the keys that it lists are read."),
  items: described(count, "The number of lines in all data files."),
  files: described(count, "The number of data files."),
  bytes: optional(
    described(count, "The uncompressed bytes of all data files; absent if Ferry did not write the archive."),
  ),
  objects: described(
    readonlyObject({ summary: fingerprint, files: optional(fingerprint), task: optional(fingerprint) }),
    "The fingerprints that each later step compares, so that all steps read the same archive. `task`: only if Ferry wrote the archive. `files`: only in plans of versions that had no `list`; their segments have other data files.",
  ),
  // A worker of a version that assigns other data files to segments must not read a plan with it: it requires `objects.files`.
  list: optional(
    described(
      readonlyObject({ md5: text, etag: text, bytes: count }),
      "`manifest-files.json`: its fingerprint, and its size. Each segment has the data files of one part of these bytes.",
    ),
  ),
  lines: described(
    v.picklist(["items", "changes"]),
    "The content of a line: a whole item, or a change (incremental exports).",
  ),
  window: optional(
    described(
      readonlyObject({ from: optional(text), to: text }),
      "The export's time range, ISO 8601; `from` only for an incremental export.",
    ),
  ),
};
const manifestSchema = readonlyObject(manifestEntries);
/** An incremental export of a series, with its number of segments. */
const incrementSchema = readonlyObject({ ...manifestEntries, segments: count });

/** Everything that a restore's later steps need: a pure function of request, manifest and table. */
export const restorePlanSchema = readonlyObject({
  request: described(readonlyObject(restoreRequestSchema(SEGMENTS_MAX).entries), requestText),
  task: taskRefSchema,
  "total-segments": totalSegments,
  "write-units": optional(
    described(
      v.number(),
      "The write ceiling for all workers together, capacity units per second; absent for none.",
    ),
  ),
  // A repeated plan may be `some` because of the first one's writes; of two plans the projection keeps the one that sorts first.
  "items-before": optional(
    described(
      v.picklist(["none", "some"]),
      "Whether the table held items when the restore was planned. Absent if the last step does not count the table: for Ferry's own archives, for changes, and with `only`.",
    ),
  ),
  "count-units": optional(
    described(v.number(), "The read ceiling of that count, capacity units per second; absent for none."),
  ),
  "units-per-write": optional(
    described(
      v.number(),
      "With a ceiling: the units that a write consumes for each KiB, one for the table and one for each index.",
    ),
  ),
  table: described(
    readonlyObject({ arn: text, id: optional(text), keys: keyNamesSchema, "key-types": list(text) }),
    "The table. `keys`: its key attributes, hash first; `key-types`: their types, S, N or B.",
  ),
  manifest: described(manifestSchema, "The archive to restore."),
  created: optional(
    described(
      readonlyObject({ "table-file": fingerprint }),
      "Only if this task created the table. `table-file`: the fingerprint of the `table.json` from which it was created.",
    ),
  ),
  increments: optional(
    described(
      list(incrementSchema),
      "The incremental exports that are applied after it, in order. `segments`: how many of the task's last segments each has. The segments of one are queued when those of the one before are complete.",
    ),
  ),
});

/** The plan of a backup or a restore, chosen by its request's action. */
export const planSchema = either(
  backupPlanSchema,
  restorePlanSchema,
  (plan) => fieldOf(fieldOf(plan, "request"), "action") === "restore",
);
