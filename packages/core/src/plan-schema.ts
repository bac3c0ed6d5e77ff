/**
 * The plans of tasks, as events, rows and `task.json` carry them: one schema is the source of the types.
 */
import * as v from "valibot";
import { locationSchema } from "./archive/location.ts";
import { backupRequestSchema, restoreRequestSchema } from "./request.ts";
import { about, count, either, fieldOf, list, readonlyObject } from "./schema-parts.ts";
import { SEGMENTS_MAX } from "./settings.ts";
import { taskRefSchema } from "./task.ts";

const text = v.string();
const optional = v.exactOptional;

/** The names of a table's key attributes: hash first, then range. */
export const keyNamesSchema = v.union([
  v.pipe(v.strictTuple([text]), v.readonly()),
  v.pipe(v.strictTuple([text, text]), v.readonly()),
]);

const fingerprint = readonlyObject({ md5: text, etag: text });

const totalSegments = about(count, "Segments of the task.");
const planned = "The request, its prefix expanded: see [request.schema.json](request.schema.json).";

/** Everything a backup's later steps need. It is what `task.json` holds. */
export const backupPlanSchema = readonlyObject({
  request: about(readonlyObject(backupRequestSchema(SEGMENTS_MAX).entries), planned),
  task: taskRefSchema,
  "total-segments": totalSegments,
  "batch-bytes": about(count, "Uncompressed size of a data file, bytes."),
  "compression-level": about(count, "1 to 9."),
  "read-units": optional(
    about(v.number(), "The read ceiling of all workers together, capacity units per second."),
  ),
  "item-bytes": optional(
    about(count, "With a ceiling: the size of an average item, as far as DynamoDB tells, bytes."),
  ),
  table: about(
    readonlyObject({ arn: text, id: optional(text), keys: keyNamesSchema }),
    "The table; `keys`: its key attributes, hash first.",
  ),
  started: about(text, "ISO 8601. Nothing in the archive was read before it."),
});

const manifestSchema = readonlyObject({
  own: about(v.boolean(), "Whether Ferry wrote the archive: then no two of its lines have one key."),
  location: about(locationSchema, "Where the manifest lies, and how the keys that it lists are taken."),
  items: about(count, "Lines of all data files."),
  files: about(count, "Data files."),
  bytes: optional(
    about(count, "Uncompressed bytes of all data files; absent where Ferry did not write the archive."),
  ),
  objects: about(
    readonlyObject({ summary: fingerprint, files: fingerprint, task: optional(fingerprint) }),
    "What each later step compares, so that no two read different archives. `task`: only of an archive of Ferry's.",
  ),
  lines: about(
    v.picklist(["items", "changes"]),
    "What a line holds: whole items, or changes (incremental exports).",
  ),
  window: optional(
    about(
      readonlyObject({ from: optional(text), to: text }),
      "The export's time range, ISO 8601; `from` of an incremental export alone.",
    ),
  ),
});

/** Everything a restore's later steps need: a pure function of request, manifest and table. */
export const restorePlanSchema = readonlyObject({
  request: about(readonlyObject(restoreRequestSchema(SEGMENTS_MAX).entries), planned),
  task: taskRefSchema,
  "total-segments": totalSegments,
  "write-units": optional(
    about(v.number(), "The write ceiling of all workers together, capacity units per second."),
  ),
  // A repeated plan may say `some` of what the first one wrote; of two plans the projection keeps the one that sorts first.
  "items-before": optional(
    about(
      v.picklist(["none", "some"]),
      "Whether the table held items when the restore was planned. Absent where the last step does not count the table: of Ferry's own archives, and of changes.",
    ),
  ),
  "count-units": optional(
    about(v.number(), "The read ceiling of that count, capacity units per second; absent for none."),
  ),
  "units-per-write": optional(
    about(
      v.number(),
      "With a ceiling: what a write consumes for each KiB, one unit for the table and one for each index.",
    ),
  ),
  table: about(
    readonlyObject({ arn: text, id: optional(text), keys: keyNamesSchema, "key-types": list(text) }),
    "The table; `keys`: its key attributes, hash first; `key-types`: S, N or B of each.",
  ),
  manifest: about(manifestSchema, "The archive that is restored."),
});

/** A backup's plan or a restore's, by its request's action. */
export const planSchema = either(
  backupPlanSchema,
  restorePlanSchema,
  (plan) => fieldOf(fieldOf(plan, "request"), "action") === "restore",
);
