/**
 * Rows of the status tables as DynamoDB items. Attributes are kebab-case: these are the tables that operators, other
 * systems and the streams' Pipes read. A row's item has, beside the request's fields:
 *
 * - always: `key`, `timestamp`, `action`, `state`, `reason` (one line, or empty), `reasons`, the numbers below, `plan`
 *   ({S: JSON}, else {NULL: true}) and `updated-time`: the Pipe's template cannot do without them;
 * - of a restore: `skipped-items`;
 * - where there is something to say: `task-id`, `request-id`, `announcement`, `completed`, `notes`, `accepted-time`,
 *   `finished-time`.
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

export type Item = Record<string, AttributeValue>;
type Value = string | number | boolean;

/** Attributes that are the row's own, whatever a request may call its fields. */
const OWN: ReadonlySet<string> = new Set([
  "key",
  "timestamp",
  "action",
  "task-id",
  "request-id",
  "state",
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
  "cancelledAttempt",
  "failedStepAttempt",
  "rev",
  "reannounce",
  "completed",
  "failed",
  "attempts",
  "segmentCheckpoints",
  "causes",
  "accepted-time",
  "finished-time",
  "updated-time",
  "plan",
  "request-fields",
  "request-rest",
]);

const REASON_LENGTH_MAX = 1000;

/** The item of a task's row. `itemOfRow` and `rowOfItem` are inverse. */
export function itemOfRow(row: TaskRow): Item {
  const state = stateOf(row);
  const reasons = reasonsOf(row).map(wellFormed);
  const { flat, rest } = split(row.request);
  const moved = transferred(row);
  const notes = notesOf(row);
  return marshall(
    {
      ...flat,
      key: row.key,
      timestamp: row.timestamp,
      action: row.action,
      "task-id": row["task-id"],
      "request-id": row["request-id"],
      state,
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
      cancelledAttempt: row.cancelledAttempt,
      failedStepAttempt: row.failedStepAttempt,
      rev: row.rev,
      reannounce: row.reannounce,
      // A set cannot be empty.
      completed: row.completed.length === 0 ? undefined : new Set(row.completed),
      failed: row.failed,
      attempts: row.attempts,
      segmentCheckpoints: shortPartsOf(row.segmentCheckpoints),
      causes: row.reasons.map((reason) => ({ ...reason, text: wellFormed(reason.text) })),
      "accepted-time": row.acceptedTime,
      "finished-time": row.finishedTime,
      "updated-time": row.updatedTime,
      plan: row.plan === undefined ? null : JSON.stringify(row.plan),
      "request-fields": Object.keys(flat),
      "request-rest": Object.keys(rest).length === 0 ? undefined : JSON.stringify(rest),
    },
    { removeUndefinedValues: true },
  );
}

/** The row that an item holds. */
export function rowOfItem(item: Item): TaskRow {
  const it = unmarshall(item);
  const names = it["request-fields"] as string[];
  const segmentCheckpoints = checkpointsOf(it["segmentCheckpoints"] as ShortParts);
  const parts = transferred({ segmentCheckpoints, batches: 0, items: 0, bytes: 0, skipped: 0 });
  return {
    action: it["action"],
    key: it["key"],
    timestamp: it["timestamp"],
    ...(it["task-id"] !== undefined && { "task-id": it["task-id"] as string }),
    ...(it["request-id"] !== undefined && { "request-id": it["request-id"] as string }),
    rev: it["rev"],
    ...(it["reannounce"] === true && { reannounce: true as const }),
    request: {
      ...Object.fromEntries(names.map((name) => [name, it[name] as Value])),
      ...(it["request-rest"] !== undefined && (JSON.parse(it["request-rest"]) as Record<string, Value>)),
    },
    ...(it["plan"] !== null && { plan: JSON.parse(it["plan"]) as Plan }),
    accepted: it["accepted"],
    rejected: it["rejected"],
    finished: it["finished"],
    attempt: it["attempt"],
    cancelledAttempt: it["cancelledAttempt"],
    failedStepAttempt: it["failedStepAttempt"],
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
    updatedTime: it["updated-time"],
  };
}

/**
 * What a segment has done, as short as it can be said, for a row holds it of thousands of segments: batches, items, bytes
 * and, of a restore, the cursor's file and line, and items that were skipped where there were any.
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
        ...{ batches, items, bytes },
        ...(skipped !== undefined && { skipped }),
        ...(file !== undefined && line !== undefined && { file, line }),
      },
    ]),
  );
}

/** The item of a segment's record, with its `rank`. */
export function itemOfRecord(record: SegmentRecord): Item {
  const { updatedTime, ...rest } = record;
  return marshall(
    {
      ...rest,
      ...(record.reason !== undefined && { reason: wellFormed(record.reason) }),
      "updated-time": updatedTime,
      rank: rankOf(record),
    },
    { removeUndefinedValues: true },
  );
}

/** The record that an item holds. */
export function recordOfItem(item: Item): SegmentRecord {
  const { rank: _, "updated-time": updatedTime, ...record } = unmarshall(item);
  return { ...record, updatedTime } as SegmentRecord;
}

/**
 * A request's fields: those that can be attributes of their own, and the rest, which is kept as JSON. A rejected
 * request may hold anything: names that are the row's, no name at all, numbers beyond DynamoDB's.
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
  // The SDK takes an object that has a constructor of its own for a class's.
  if (Object.hasOwn(Object.prototype, name)) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isSafeInteger(value) || isDecimal(Math.abs(value));
  return true;
}

/** Numbers that DynamoDB and the SDK take as they are: 1E-130 to 9.9E+125, and no large ones that may be inexact. */
function isDecimal(size: number): boolean {
  return size > 1e-120 && size < Number.MAX_SAFE_INTEGER;
}

/** A text that was cut between two halves of a character would make DynamoDB refuse the whole row. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

/** What can stand between quotes in a Pipe's template, which escapes nothing. */
function printable(text: string): string {
  const plain = text
    .replaceAll('"', "'")
    .replaceAll("\\", "/")
    .replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]+/gu, " ");
  return Array.from(plain).slice(0, REASON_LENGTH_MAX).join("");
}
