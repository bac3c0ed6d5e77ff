/**
 * Rows of the status tables as DynamoDB items. Operators, other systems and the streams' Pipes read them. A row's item has,
 * in addition to the request's fields:
 *
 * - always, because the Pipe's template needs them: `key`, `timestamp`, `action`, `state`, `reason` (one line, or empty),
 *   `reasons`, the numbers below, `plan` ({S: JSON}, else {NULL: true}) and `updated-time`;
 * - for a restore: `skipped-items`;
 * - if they have a value: `task-id`, `request-id`, `announcement`, `completed`, `notes`, `accepted-time`, `finished-time`.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { Plan } from "@ferry/core/events";
import { notesOf } from "@ferry/core/projection/notes";
import {
  announcementOf,
  failedSegments,
  type Reason,
  rankOf,
  reasonsOf,
  type SegmentRecord,
  stateOf,
  type TaskRow,
  transferred,
} from "@ferry/core/projection/status";
import { attributes, tables } from "@ferry/core/topology";

export type Item = Record<string, AttributeValue>;
type Value = string | number | boolean;

/** Both row tables have the same key. */
const { hash, range } = tables["backup-table"];

/** Attributes of the row itself. A request's fields with these names are stored as JSON. */
const OWN: ReadonlySet<string> = new Set([
  hash.name,
  range.name,
  "action",
  attributes.taskId,
  "request-id",
  attributes.state,
  "announcement",
  "reason",
  "reasons",
  "notes",
  "total-segments",
  "completed-segments",
  "failed-segments",
  "transferred-batches",
  "transferred-items",
  "transferred-bytes",
  "skipped-items",
  "accepted",
  "rejected",
  "finished",
  "attempt",
  "cancelled-attempt",
  "failed-step-attempt",
  "rev",
  attributes.reannounce,
  "completed",
  "failed",
  "attempts",
  "segment-checkpoints",
  "causes",
  "accepted-time",
  "finished-time",
  attributes.updatedTime,
  "plan",
  "request-fields",
  "request-rest",
]);

const REASON_LENGTH_MAX = 1000;

/** The item of a task's row. `rowOfItem` is its inverse. */
export function itemOfRow(row: TaskRow): Item {
  const state = stateOf(row);
  const reasons = reasonsOf(row).map(wellFormed);
  const { flat, rest } = split(row.request);
  const moved = transferred(row);
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
      "skipped-items": row.action === "restore" ? moved.skipped : undefined,
      accepted: row.accepted,
      rejected: row.rejected,
      finished: row.finished,
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

/** The row of an item. */
export function rowOfItem(item: Item): TaskRow {
  const it = unmarshall(item);
  const names = it["request-fields"] as string[];
  const segmentCheckpoints = checkpointsOf(it["segment-checkpoints"] as ShortParts);
  const parts = transferred({ segmentCheckpoints, batches: 0, items: 0, bytes: 0, skipped: 0 });
  return {
    action: it["action"],
    key: it[hash.name],
    timestamp: it[range.name],
    ...(it[attributes.taskId] !== undefined && { "task-id": it[attributes.taskId] as string }),
    ...(it["request-id"] !== undefined && { "request-id": it["request-id"] as string }),
    rev: it["rev"],
    ...(it[attributes.reannounce] === true && { reannounce: true as const }),
    request: {
      ...Object.fromEntries(names.map((name) => [name, it[name] as Value])),
      ...(it["request-rest"] !== undefined && (JSON.parse(it["request-rest"]) as Record<string, Value>)),
    },
    ...(it["plan"] !== null && { plan: JSON.parse(it["plan"]) as Plan }),
    accepted: it["accepted"],
    rejected: it["rejected"],
    finished: it["finished"],
    attempt: it["attempt"],
    cancelledAttempt: it["cancelled-attempt"],
    failedStepAttempt: it["failed-step-attempt"],
    total: it["total-segments"],
    completed: [...((it["completed"] as Set<number> | undefined) ?? [])].sort((a, b) => a - b),
    failed: it["failed"],
    attempts: it["attempts"],
    segmentCheckpoints,
    batches: it["transferred-batches"] - parts.batches,
    items: it["transferred-items"] - parts.items,
    bytes: it["transferred-bytes"] - parts.bytes,
    skipped: ((it["skipped-items"] as number | undefined) ?? 0) - parts.skipped,
    reasons: it["causes"] as Reason[],
    ...(it["accepted-time"] !== undefined && { acceptedTime: it["accepted-time"] as string }),
    ...(it["finished-time"] !== undefined && { finishedTime: it["finished-time"] as string }),
    updatedTime: it[attributes.updatedTime],
  };
}

/**
 * A segment's checkpoint in its shortest form, because a row holds thousands: batches, items, bytes and, for a restore, the
 * cursor's file and line and the number of skipped items if there are any.
 */
type ShortPart = readonly [
  batches: number,
  items: number,
  bytes: number,
  file?: number,
  line?: number,
  skipped?: number,
];
type ShortParts = Readonly<Record<string, ShortPart>>;

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
}: TaskRow["segmentCheckpoints"][string]): ShortPart {
  if (file === undefined || line === undefined) return [batches, items, bytes];
  return skipped === undefined
    ? [batches, items, bytes, file, line]
    : [batches, items, bytes, file, line, skipped];
}

function checkpointsOf(parts: ShortParts): TaskRow["segmentCheckpoints"] {
  return Object.fromEntries(
    Object.entries(parts).map(([segment, [batches, items, bytes, file, line, skipped]]) => [
      segment,
      {
        batches,
        items,
        bytes,
        ...(skipped !== undefined && { skipped }),
        ...(file !== undefined && line !== undefined && { file, line }),
      },
    ]),
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

/** The segment record of an item. */
export function recordOfItem(item: Item): SegmentRecord {
  const { rank: _, [attributes.updatedTime]: updatedTime, ...record } = unmarshall(item);
  return { ...record, updatedTime } as SegmentRecord;
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
