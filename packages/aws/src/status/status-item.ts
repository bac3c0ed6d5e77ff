/**
 * Rows of the status tables as DynamoDB items. Operators, other systems and the streams' Pipes read them. A row's item has,
 * in addition to the request's fields:
 *
 * - always, because the Pipe's template needs them: `key`, `timestamp`, `action`, `state`, `reason` (one line, or empty),
 *   `reasons`, the numbers below, `plan` ({S: JSON}, else {NULL: true}) and `updated-time`;
 * - for a restore: `skipped-items`; with `only` also `matched-items`; of exports of DynamoDB also `moment`, the time of the
 *   state that comes out;
 * - if they have a value: `expected-items`, `expected-bytes`, `task-id`, `request-id`, `announcement`, `completed`, `notes`,
 *   `settings`, `accepted-time`, `finished-time`.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { FerryError } from "@ferry/core/errors/errors";
import { parsedOr } from "@ferry/core/events/parsed-or";
import { notesOf } from "@ferry/core/projection/notes";
import {
  announcementOf,
  expectedOf,
  failedSegments,
  rankOf,
  reasonsOf,
  type SegmentRecord,
  stateOf,
  type TaskRow,
  transferred,
} from "@ferry/core/projection/status";
import { momentOf } from "@ferry/core/restore/windows";
import { attributes, tables } from "@ferry/core/topology";
import type * as v from "valibot";
import { recordSchema, rowSchema, shownSchema } from "./row-schema.ts";

export type Item = Record<string, AttributeValue>;
type Value = string | number | boolean;

/** Both row tables have the same key. */
const { hash, range } = tables["backup-table"];
const { hash: recordHash, range: recordRange } = tables["segment-table"];

/** Attributes of the row itself. A request's fields with these names are stored as JSON. */
const OWN: ReadonlySet<string> = new Set([
  ...Object.keys(rowSchema.entries),
  attributes.state,
  "announcement",
  "reason",
  "reasons",
  "notes",
  "completed-segments",
  "failed-segments",
  "expected-items",
  "expected-bytes",
  "moment",
]);

const REASON_LENGTH_MAX = 1000;
/** The place of an absent number in a checkpoint. */
const NONE = -1;

/** The item of a task's row. `rowOfItem` is its inverse. */
export function itemOfRow(row: TaskRow): Item {
  const state = stateOf(row);
  const reasons = reasonsOf(row).map(wellFormed);
  const { flat, rest } = split(row.request);
  const moved = transferred(row);
  const expected = expectedOf(row.plan);
  const notes = notesOf(row);
  return marshall(
    {
      ...flat,
      [hash.name]: row.key,
      [range.name]: row.timestamp,
      action: row.action,
      [attributes.taskId]: row["task-id"],
      "request-id": row["request-id"],
      [attributes.state]: state,
      announcement: announcementOf(state),
      reason: printable(reasons[0] ?? ""),
      reasons,
      notes: notes.length === 0 ? undefined : notes,
      "total-segments": row.total,
      "completed-segments": row.completed.length,
      "failed-segments": failedSegments(row),
      "transferred-batches": moved.batches,
      "transferred-items": moved.items,
      "transferred-bytes": moved.bytes,
      "expected-items": expected?.items,
      "expected-bytes": expected?.bytes,
      "skipped-items": row.action === "restore" ? moved.skipped : undefined,
      "matched-items": isSelective(row) || moved.matched > 0 ? moved.matched : undefined,
      moment: momentOfRow(row),
      accepted: row.accepted,
      rejected: row.rejected,
      finished: row.finished,
      settings: row.settings,
      attempt: row.attempt,
      "cancelled-attempt": row.cancelledAttempt,
      "failed-step-attempt": row.failedStepAttempt,
      rev: row.rev,
      [attributes.reannounce]: row.reannounce,
      // DynamoDB refuses an empty set.
      completed: row.completed.length === 0 ? undefined : new Set(row.completed),
      failed: row.failed,
      attempts: row.attempts,
      "segment-checkpoints": shortPartsOf(row.segmentCheckpoints),
      causes: row.reasons.map((reason) => ({ ...reason, text: wellFormed(reason.text) })),
      "accepted-time": row.acceptedTime,
      "finished-time": row.finishedTime,
      [attributes.updatedTime]: row.updatedTime,
      plan: row.plan === undefined ? null : JSON.stringify(row.plan),
      "request-fields": Object.keys(flat),
      "request-rest": Object.keys(rest).length === 0 ? undefined : JSON.stringify(rest),
    },
    { removeUndefinedValues: true },
  );
}

/** The time of the state that a restore of DynamoDB's exports gives. A backup of Ferry is not of one moment. */
function momentOfRow({ plan }: TaskRow): string | undefined {
  return plan !== undefined && "manifest" in plan && !plan.manifest.own ? momentOf(plan) : undefined;
}

/** The row of an item. Transient error: `malformed-row`, if an attribute is not as `itemOfRow` writes it. */
export function rowOfItem(item: Item): TaskRow {
  const it = unmarshall(item);
  const row = parsedOr(rowSchema, it, "row", (message) =>
    malformedRow(`row ${it[hash.name]}@${it[range.name]}`, message),
  );
  const segmentCheckpoints = checkpointsOf(row["segment-checkpoints"]);
  const parts = transferred({ segmentCheckpoints, batches: 0, items: 0, bytes: 0, skipped: 0, matched: 0 });
  return {
    action: row.action,
    key: row.key,
    timestamp: row.timestamp,
    ...(row[attributes.taskId] !== undefined && { "task-id": row[attributes.taskId] }),
    ...(row["request-id"] !== undefined && { "request-id": row["request-id"] }),
    rev: row.rev,
    ...(row[attributes.reannounce] === true && { reannounce: true as const }),
    request: {
      ...Object.fromEntries(row["request-fields"].map((name) => [name, it[name] as Value])),
      ...row["request-rest"],
    },
    ...(row.plan !== null && { plan: row.plan }),
    accepted: row.accepted,
    rejected: row.rejected,
    finished: row.finished,
    ...(row.settings !== undefined && { settings: row.settings }),
    attempt: row.attempt,
    cancelledAttempt: row["cancelled-attempt"],
    failedStepAttempt: row["failed-step-attempt"],
    total: row["total-segments"],
    completed: [...(row.completed ?? [])].sort((a, b) => a - b),
    failed: row.failed,
    attempts: row.attempts,
    segmentCheckpoints,
    batches: row["transferred-batches"] - parts.batches,
    items: row["transferred-items"] - parts.items,
    bytes: row["transferred-bytes"] - parts.bytes,
    skipped: (row["skipped-items"] ?? 0) - parts.skipped,
    matched: (row["matched-items"] ?? 0) - parts.matched,
    reasons: row.causes,
    ...(row["accepted-time"] !== undefined && { acceptedTime: row["accepted-time"] }),
    ...(row["finished-time"] !== undefined && { finishedTime: row["finished-time"] }),
    updatedTime: row[attributes.updatedTime],
  };
}

/** Whether the task restores only some items. */
function isSelective({ plan }: TaskRow): boolean {
  return plan !== undefined && "only" in plan.request;
}

/** The attributes of a row's item that the client shows. Transient error: `malformed-row`. */
export function shownOfItem(item: Item): v.InferOutput<typeof shownSchema> {
  const it = unmarshall(item);
  return parsedOr(shownSchema, it, "row", (message) =>
    malformedRow(`row ${it[hash.name]}@${it[range.name]}`, message),
  );
}

function malformedRow(resource: string, message: string): FerryError {
  return new FerryError("transient", "malformed-row", {
    operation: "read row",
    resource,
    message,
    hint: "Only the projector may write to the status tables: restore the attributes that the message names, or delete the row.",
  });
}

/**
 * A segment's checkpoint in its shortest form, because a row holds thousands: batches, items, bytes and, for a restore, the
 * cursor's file and line, the number of skipped items if there are any, and with `only` that of matched items.
 */
type ShortParts = Readonly<Record<string, readonly number[]>>;

function shortPartsOf(segmentCheckpoints: TaskRow["segmentCheckpoints"]): ShortParts {
  return Object.fromEntries(
    Object.entries(segmentCheckpoints).map(([segment, part]) => [segment, shortPartOf(part)]),
  );
}

function shortPartOf({
  batches,
  items,
  bytes,
  file,
  line,
  skipped,
  matched,
}: TaskRow["segmentCheckpoints"][string]): readonly number[] {
  if (file === undefined || line === undefined) return [batches, items, bytes];
  const start = [batches, items, bytes, file, line];
  // A place is filled if a later one is.
  if (matched !== undefined) return [...start, skipped ?? NONE, matched];
  return skipped === undefined ? start : [...start, skipped];
}

function checkpointsOf(parts: ShortParts): TaskRow["segmentCheckpoints"] {
  return Object.fromEntries(
    Object.entries(parts).map(
      ([segment, [batches = 0, items = 0, bytes = 0, file, line, skipped = NONE, matched]]) => [
        segment,
        {
          batches,
          items,
          bytes,
          ...(skipped !== NONE && { skipped }),
          ...(matched !== undefined && { matched }),
          ...(file !== undefined && line !== undefined && { file, line }),
        },
      ],
    ),
  );
}

/** The item of a segment record, with its `rank`. */
export function itemOfRecord(record: SegmentRecord): Item {
  const { updatedTime, ...rest } = record;
  return marshall(
    {
      ...rest,
      ...(record.reason !== undefined && { reason: wellFormed(record.reason) }),
      [attributes.updatedTime]: updatedTime,
      rank: rankOf(record),
    },
    { removeUndefinedValues: true },
  );
}

/** The segment record of an item. Transient error: `malformed-row`, if an attribute is not as `itemOfRecord` writes it. */
export function recordOfItem(item: Item): SegmentRecord {
  const it = unmarshall(item);
  const { [attributes.updatedTime]: updatedTime, ...record } = parsedOr(
    recordSchema,
    it,
    "record",
    (message) => malformedRow(`segment ${it[recordRange.name]} of ${it[recordHash.name]}`, message),
  );
  return { ...record, updatedTime };
}

/**
 * Splits a request's fields into those that can be attributes, and the rest, which is stored as JSON. A rejected request may
 * have any fields: names of the row's attributes, empty names, numbers that DynamoDB does not support.
 */
function split(request: TaskRow["request"]): { flat: Record<string, Value>; rest: Record<string, Value> } {
  const flat: [string, Value][] = [];
  const rest: [string, Value][] = [];
  for (const [name, value] of Object.entries(request))
    (isAttribute(name, value) ? flat : rest).push([name, value]);
  return { flat: Object.fromEntries(flat), rest: Object.fromEntries(rest) };
}

function isAttribute(name: string, value: Value): boolean {
  if (OWN.has(name) || name === "" || name.length > 255 || !name.isWellFormed()) return false;
  // The SDK treats an object with an own `constructor` property as an instance of a class.
  if (Object.hasOwn(Object.prototype, name)) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isSafeInteger(value) || isDecimal(Math.abs(value));
  return true;
}

/** Whether DynamoDB (1E-130 to 9.9E+125) and the SDK keep the number exactly; large numbers may be inexact. */
function isDecimal(size: number): boolean {
  return size > 1e-120 && size < Number.MAX_SAFE_INTEGER;
}

/** DynamoDB refuses a whole row that has a lone surrogate, as from a truncated text. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** A text that is safe between quotes in a Pipe's template: Pipes do not escape strings. */
function printable(text: string): string {
  const plain = text
    .replaceAll('"', "'")
    .replaceAll("\\", "/")
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]+/gu, " ");
  return Array.from(plain).slice(0, REASON_LENGTH_MAX).join("");
}
