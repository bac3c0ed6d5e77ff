/**
 * Plans a restore. The plan depends only on request, manifest and table, and on what the lease keeps of an earlier delivery of
 * the request, so a redelivered request gets the same plan.
 */

import type { Block } from "../archive/blocks.ts";
import { bucketOf } from "../archive/bucket.ts";
import { members } from "../archive/cutter.ts";
import { lineSpans, readLine } from "../archive/data-file.ts";
import { onlyMismatch } from "../archive/key-filter.ts";
import { type Manifest, readManifest } from "../archive/manifest.ts";
import { readBlocks, readingLine } from "../archive/stored-file.ts";
import { describeKeys, type KeySchema, keySchema } from "../archive/table-settings.ts";
import { isPermanent, withHint } from "../errors/errors.ts";
import type { FerryEvent, RestorePlan } from "../events/events.ts";
import type { Ports, TableDescription } from "../ports.ts";
import { tableStays } from "../projection/status.ts";
import { taskAccepted } from "../request/accepted.ts";
import type { Start } from "../request/registration.ts";
import type { RestoreRequest } from "../request/request.ts";
import type { TaskRef } from "../request/task.ts";
import { tableOf } from "../table/table-identity.ts";
import { type CreatedTable, createDestination } from "./create-table.ts";
import { holdsItems } from "./holds-items.ts";
import { chosenIncrements, noteWindow, planError, takeLease, withdrawLease } from "./lease.ts";
import { readSeries } from "./read-series.ts";
import { seriesError } from "./series.ts";

const DEFAULT_SEGMENTS_MAX = 64;
/** A series' plan is large, and it shares the row with what the row holds of each segment. */
export const SERIES_SEGMENTS_MAX = 500;
/** The largest plan of a series as JSON, bytes. */
export const SERIES_PLAN_BYTES_MAX = 120_000;

/** Plans a valid restore request and returns the event that accepts it. Throws a permanent error if it must be rejected. */
export async function planRestore(
  request: RestoreRequest,
  task: TaskRef,
  { attempt, deadlineMs }: Start,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const bucket = bucketOf(request);
  const keys = request["manifest-keys"] ?? "own";
  const manifest = await readManifest(bucket, request["bucket-prefix"], keys, ports);
  const address = tableOf({ request });
  const found = await readSeries(request, manifest, undefined, ports);
  refuseMode(request, manifest, found);
  if (manifest.keys !== undefined) refuseOtherOnly(request, manifest.keys);
  const created =
    request["create-table"] === true ? await createDestination(request, task, manifest, ports) : undefined;
  try {
    return await planInto(created?.table ?? (await ports.tables.describe(address)), created);
  } catch (error) {
    if (created === undefined || !isPermanent(error)) throw error;
    throw withHint(error, tableStays({ request }));
  }

  async function planInto(table: TableDescription, made: CreatedTable | undefined) {
    // The step after the acceptance waits until a new table is ACTIVE. It is empty.
    const isNew = made !== undefined && table.status === "CREATING";
    if (!isNew) refuseUnready(request, table);
    const chosen = request.until === undefined ? undefined : await chosenIncrements(table.arn, task, ports);
    const isOther = chosen !== undefined && chosen.join() !== found.map(({ prefix }) => prefix).join();
    const series = isOther ? await readSeries(request, manifest, chosen, ports) : found;
    const increments = series.map((one) => one.manifest);
    // The lines of every incremental export name their keys, and each is compared before its file is written.
    const named = increments.find(({ items }) => items > 0);
    for (const one of [manifest, ...(named === undefined ? [] : [named])])
      await refuseOtherKeys(request, one, table, ports);
    refuseOtherOnly(request, keySchema(table));
    const derive = (maximumSegments: number) =>
      derivePlan(request, task, { manifest, increments }, { table, made, maximumSegments });
    const { maximumSegments } = ports.settings;
    let derived = derive(maximumSegments);
    const first = await takeLease(
      { plan: derived, attempt, deadlineMs, isWriting: true, maximumSegments },
      ports,
    );
    // The setting changed since the first delivery of the request.
    if (first !== undefined && first !== maximumSegments) derived = derive(first);
    // Read while the lease is held: from now on no other restore puts items into an exclusively leased table.
    const emptyOnly = (request["restore-mode"] ?? "empty-only") === "empty-only";
    const countsItems =
      !manifest.own &&
      manifest.lines === "items" &&
      request.only === undefined &&
      increments.every(({ items }) => items === 0);
    let hadItems: boolean;
    try {
      hadItems = !isNew && (emptyOnly || countsItems) && (await holdsItems(address, ports.tables));
      if (emptyOnly && hadItems) throw notEmpty(request);
    } catch (error) {
      if (isPermanent(error)) await withdrawLease(derived, ports);
      throw error;
    }
    const plan = { ...derived, ...(countsItems && countPlan(hadItems, table)) };
    await noteWindow(plan, ports);
    return [taskAccepted(plan, attempt, deadlineMs)];
  }
}

/** The fields of the plan with which the last step counts the table. */
function countPlan(hadItems: boolean, { provisioned }: TableDescription) {
  return {
    "items-before": hadItems ? ("some" as const) : ("none" as const),
    ...(provisioned !== undefined && { "count-units": Math.max(1, Math.floor(provisioned.readUnits / 2)) }),
  };
}

function derivePlan(
  request: RestoreRequest,
  task: TaskRef,
  windows: { readonly manifest: Manifest; readonly increments: readonly Manifest[] },
  {
    table,
    made,
    maximumSegments,
  }: {
    readonly table: TableDescription;
    readonly made: CreatedTable | undefined;
    readonly maximumSegments: number;
  },
): RestorePlan {
  const { manifest, increments } = windows;
  const [segments = 1, ...ofIncrements] = segmentsOfWindows(
    request,
    [manifest, ...increments],
    maximumSegments,
  );
  const units =
    request["write-units"] ??
    (table.provisioned === undefined ? undefined : Math.max(1, Math.floor(table.provisioned.writeUnits / 2)));
  const plan: RestorePlan = {
    request,
    task,
    "total-segments": ofIncrements.reduce((sum, one) => sum + one, segments),
    ...(units !== undefined && { "write-units": units, "units-per-write": 1 + table.indexCount }),
    table: {
      arn: table.arn,
      keys: table.keys,
      "key-types": keySchema(table).map(({ type }) => type),
      ...(table.id !== undefined && { id: table.id }),
    },
    manifest: planned(manifest),
    ...(increments.length > 0 && {
      increments: increments.map((one, at) => ({ ...planned(one), segments: ofIncrements[at]! })),
    }),
    ...(made !== undefined && { created: { "table-file": made.file } }),
  };
  if (increments.length > 0 && bytesOf(plan) > SERIES_PLAN_BYTES_MAX)
    throw seriesError("not-a-series", bucketOf(request), request["bucket-prefix"], {
      predicate: `is followed by ${increments.length} incremental exports whose prefixes are so long that the plan has more than ${SERIES_PLAN_BYTES_MAX} bytes.`,
      hint: "Restore fewer incremental exports at once, and then each later one with restore-mode merge.",
    });
  return plan;
}

function bytesOf(plan: RestorePlan): number {
  return new TextEncoder().encode(JSON.stringify(plan)).length;
}

function planned(manifest: Manifest): RestorePlan["manifest"] {
  return {
    own: manifest.own,
    location: manifest.location,
    items: manifest.items,
    files: manifest.files,
    lines: manifest.lines,
    ...(manifest.window !== undefined && { window: manifest.window }),
    ...(manifest.bytes !== undefined && { bytes: manifest.bytes }),
    objects: manifest.objects,
    list: manifest.list,
  };
}

/**
 * The number of segments of each window: by default one for each data file, 64 at most. Those of a series have together at most
 * SERIES_SEGMENTS_MAX, of which the full export may take all but one for each incremental export.
 */
function segmentsOfWindows(
  request: RestoreRequest,
  windows: readonly Manifest[],
  maximumSegments: number,
): readonly number[] {
  const [full, ...increments] = windows;
  const requested = request["total-segments"];
  const wanted = ({ files }: Manifest) =>
    Math.min(Math.max(1, files), requested ?? DEFAULT_SEGMENTS_MAX, maximumSegments);
  const first = requested ?? wanted(full!);
  if (increments.length === 0) return [first];
  const most = Math.min(first, SERIES_SEGMENTS_MAX - increments.length);
  const share = Math.floor((SERIES_SEGMENTS_MAX - most) / increments.length);
  return [most, ...increments.map((one) => Math.min(wanted(one), share))];
}

function refuseUnready(request: RestoreRequest, table: TableDescription): void {
  if (table.status === "ACTIVE" || table.status === "UPDATING") return;
  throw planError(
    "table-not-active",
    { request },
    `is ${table.status}.`,
    "Request the restore again when the table is ACTIVE.",
  );
}

/** Refuses a table whose key schema differs from the archive's. */
async function refuseOtherKeys(
  request: RestoreRequest,
  manifest: Manifest,
  table: TableDescription,
  ports: Ports,
): Promise<void> {
  const tableKeys = keySchema(table);
  const found = await archivedKeys(request, manifest, tableKeys, ports);
  if (found === undefined || describeKeys(found) === describeKeys(tableKeys)) return;
  throw planError(
    "key-schema-mismatch",
    { request },
    `has the keys ${describeKeys(tableKeys)}; the archive's items have ${describeKeys(found)}.`,
    "Restore into a table with the archive's key schema. In a Ferry archive, table.json contains it.",
  );
}

/** The archive's key schema: from table.json or, in a native export without one, from its first line. */
async function archivedKeys(
  request: RestoreRequest,
  manifest: Manifest,
  tableKeys: KeySchema,
  ports: Ports,
): Promise<KeySchema | undefined> {
  if (manifest.keys !== undefined) return manifest.keys;
  const bucket = bucketOf(request);
  const file = manifest.firstFile;
  if (file === undefined) return undefined;
  const recorded = { key: file.dataFileS3Key, items: file.itemCount, md5: file.md5Checksum };
  let first: Block | undefined;
  for await (const block of readBlocks(bucket, recorded, ports)) if (block.lines > 0) first ??= block;
  if (first === undefined) return undefined;
  const { bytes } = first;
  return readingLine(bucket, recorded.key, 1, () => {
    const line = readLine(bytes, lineSpans(bytes)[0]!, manifest.lines);
    const item = line.keys ?? ("put" in line ? line.put : line.remove);
    const found = members(item).map(({ name, start }) => ({
      name,
      type: members(item, start)[0]?.name ?? "none",
    }));
    const types = new Map(found.map(({ name, type }) => [name, type]));
    const known = tableKeys.map(({ name }) => ({ name, type: types.get(name) ?? "missing" }));
    // An item also has other attributes, but `Keys` of a change has only key attributes.
    const more =
      line.keys === undefined ? [] : found.filter(({ name }) => !tableKeys.some((key) => key.name === name));
    return [...known, ...more];
  });
}

/**
 * Refuses an incremental export with another mode than merge, and a series with if-absent: changes must be applied to existing
 * items. With empty-only those are the full export's.
 */
function refuseMode(request: RestoreRequest, manifest: Manifest, increments: readonly unknown[]): void {
  const mode = request["restore-mode"] ?? "empty-only";
  if (increments.length > 0 && mode === "if-absent")
    throw planError(
      "mode-not-possible",
      { request },
      "cannot take incremental exports with restore-mode if-absent: their changes overwrite and delete items.",
      "Request the restore with restore-mode empty-only or merge.",
    );
  if (manifest.lines === "items" || mode === "merge") return;
  throw planError(
    "mode-not-possible",
    { request },
    `cannot take an incremental export with restore-mode ${mode}: its changes overwrite and delete items.`,
    "Request the restore with restore-mode merge.",
  );
}

/** Refuses an `only` that does not fit the keys: none of its items could match. */
function refuseOtherOnly(request: RestoreRequest, keys: KeySchema): void {
  const mismatch = request.only && onlyMismatch(request.only, keys);
  if (mismatch === undefined) return;
  throw planError(
    "only-mismatch",
    { request },
    `does not have the keys that only names: ${mismatch}.`,
    "Name each key as DynamoDB JSON, with the partition key's value and, if at all, the sort key's value or range.",
  );
}

function notEmpty(request: RestoreRequest) {
  return planError(
    "table-not-empty",
    { request },
    "is not empty.",
    "Restore into an empty table, or request the restore with restore-mode merge (overwrite) or if-absent (never overwrite).",
  );
}
