/**
 * The rows of the status tables, and the values derived from them.
 */

import type { ErrorCode } from "../errors/error-codes.ts";
import type { Counts, Plan, Resume, Usage } from "../events/events.ts";
import type { SettingReports } from "../events/setting-reports.ts";
import type { Action, RowKey } from "../request/task.ts";
import { currentWindow, isSeries, manifestsOf, segmentsOf } from "../restore/windows.ts";
import { announcements } from "../topology.ts";

export const taskStates = [
  "requested",
  "rejected",
  "running",
  "cancelling",
  "finishing",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type TaskState = (typeof taskStates)[number];

/**
 * The attempt in a rejection's reason, since a rejected request has none. A duplicate of an accepted request may be
 * rejected too.
 */
export const REJECTED = 0;

/** Why a segment or, without `segment`, the task failed. */
export interface Reason {
  readonly attempt: number;
  readonly segment?: number;
  readonly cause: string;
  readonly text: string;
}

/** A task's row: the join of its facts. The other attributes of the stored item derive from it. */
export interface TaskRow {
  readonly action: Action;
  readonly key: string;
  readonly timestamp: number;
  /** The ids of the task and its request. Absent until a fact carries them: an operator's cancel may name only the row. */
  readonly "task-id"?: string;
  readonly "request-id"?: string;
  /** Raised by one with each write. */
  readonly rev: number;
  /**
   * Not part of the join. It is set for one write, so that the row changes its state and then again becomes what it was: a
   * second attempt that ends like the first is announced, and a lost announcement is repeated.
   */
  readonly reannounce?: true;
  /** The request's fields that are strings, numbers or booleans. */
  readonly request: Readonly<Record<string, string | number | boolean>>;
  readonly plan?: Plan;
  readonly accepted: boolean;
  readonly rejected: boolean;
  readonly finished: boolean;
  readonly attempt: number;
  /** The highest attempt that was cancelled; 0 for none. */
  readonly cancelledAttempt: number;
  /** The highest attempt in which a step of the task itself failed; 0 for none. */
  readonly failedStepAttempt: number;
  readonly total: number;
  /** Segments, ascending. */
  readonly completed: readonly number[];
  /** Segment → the attempt in which it failed. */
  readonly failed: Readonly<Record<string, number>>;
  /** Segment → its highest attempt, if above 1. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Segment → the furthest checkpoint that it reported, if it is not complete. */
  readonly segmentCheckpoints: Readonly<Record<string, Partial<Resume> & Counts>>;
  /** The counts of the completed segments. */
  readonly batches: number;
  readonly items: number;
  readonly bytes: number;
  readonly skipped: number;
  /** Of a restore with `only`: the items that it selected, of those that it read. */
  readonly matched: number;
  /** Of a restore that created its table: what became of each setting of the backed-up table. */
  readonly settings?: SettingReports;
  /** The first reasons of all facts, latest attempt first, then by segment. */
  readonly reasons: readonly Reason[];
  /** ISO 8601; the earliest time of such an event. */
  readonly acceptedTime?: string;
  readonly finishedTime?: string;
  /** ISO 8601; the time of the latest event. */
  readonly updatedTime: string;
}

/** The row of a task before any fact is projected. `time`: ISO 8601, of the first event that names the task. */
export function newTaskRow(
  task: RowKey & { readonly id?: string; readonly "request-id"?: string },
  time: string,
): TaskRow {
  const { action, key, timestamp, id, "request-id": requestId } = task;
  return {
    action,
    key,
    timestamp,
    ...(id !== undefined && { "task-id": id }),
    ...(requestId !== undefined && { "request-id": requestId }),
    rev: 0,
    request: {},
    accepted: false,
    rejected: false,
    finished: false,
    attempt: 1,
    cancelledAttempt: 0,
    failedStepAttempt: 0,
    total: 0,
    completed: [],
    failed: {},
    attempts: {},
    segmentCheckpoints: {},
    batches: 0,
    items: 0,
    bytes: 0,
    skipped: 0,
    matched: 0,
    reasons: [],
    updatedTime: time,
  };
}

/** The task's state: the first that applies. */
export function stateOf(row: TaskRow): TaskState {
  if (row.reannounce) return "running";
  if (row.finished) return "succeeded";
  if (!row.accepted) return row.rejected ? "rejected" : "requested";
  const stepFailed = row.failedStepAttempt >= row.attempt;
  if (row.completed.length === row.total) return stepFailed ? "failed" : "finishing";
  const cancelled = row.cancelledAttempt >= row.attempt;
  if (stepFailed || isOver(row)) return cancelled ? "cancelled" : "failed";
  return cancelled ? "cancelling" : "running";
}

/**
 * Whether every segment that was queued is complete or failed in this attempt. Of a series, the segments after the current
 * window are not queued yet.
 */
function isOver(row: TaskRow): boolean {
  const { plan, completed, failed, attempt } = row;
  if (plan === undefined || !isSeries(plan)) return completed.length + failedSegments(row) >= row.total;
  const done = new Set(completed);
  const queued = segmentsOf(currentWindow(plan, completed));
  return queued.every((segment) => done.has(segment) || (failed[segment] ?? 0) >= attempt);
}

/** The row without the mark `reannounce`, which is not part of the join. */
export function withoutMark(row: TaskRow): TaskRow {
  if (row.reannounce === undefined) return row;
  const { reannounce: _, ...join } = row;
  return join;
}

/**
 * The number of segments that failed in this attempt. Failures of earlier attempts do not count: a retry queues every
 * unfinished segment again, and until each is projected, the old failures would end the new attempt before it began
 * (docs/decisions/0001).
 */
export function failedSegments(row: TaskRow): number {
  return Object.values(row.failed).filter((attempt) => attempt >= row.attempt).length;
}

/**
 * What the archive or the table holds according to the segments' reports, including those of running and failed segments. It never
 * goes back: a segment's later reports, and its completion, count at least as much.
 */
export function transferred(row: Pick<TaskRow, "segmentCheckpoints" | keyof Counts>): Required<Counts> {
  return Object.values(row.segmentCheckpoints).reduce<Required<Counts>>(
    (sum, part) => ({
      batches: sum.batches + part.batches,
      items: sum.items + part.items,
      bytes: sum.bytes + part.bytes,
      skipped: sum.skipped + (part.skipped ?? 0),
      matched: sum.matched + (part.matched ?? 0),
    }),
    { batches: row.batches, items: row.items, bytes: row.bytes, skipped: row.skipped, matched: row.matched },
  );
}

/**
 * What the task is expected to move, from its plan. A backup: DynamoDB's estimate, whose bytes are smaller than those of lines.
 * A restore: the manifest's totals; an export of DynamoDB does not state its bytes.
 */
export function expectedOf(
  plan: Plan | undefined,
): { readonly items: number; readonly bytes?: number } | undefined {
  if (plan === undefined) return undefined;
  if (!("manifest" in plan)) return plan.estimate;
  if (!isSeries(plan)) return plan.manifest;
  return { items: manifestsOf(plan).reduce((sum, { items }) => sum + items, 0) };
}

/** Whether no segment should work in this state. A retry or a late worker may still change `failed` and `cancelled`. */
export function isEnded(state: TaskState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled" || state === "rejected";
}

/** The type of a state's announcement; undefined if the state is not announced. */
export function announcementOf(state: TaskState): string | undefined {
  return (announcements as Partial<Record<TaskState, string>>)[state];
}

/** The reasons that still apply, as texts. A failed row has at least one. */
export function reasonsOf(row: TaskRow): string[] {
  const state = stateOf(row);
  if (state === "succeeded") return [];
  const texts = state === "cancelled" ? cancelledTexts(row) : appliedReasons(row).map(textOf);
  const found = texts.length === 0 && state === "failed" ? unlisted(row) : texts;
  const { plan } = row;
  if (plan === undefined || !("created" in plan) || !isEnded(state)) return found;
  return found.map((reason, i) => (i === 0 ? `${reason} ${tableStays(plan)}` : reason));
}

/** The cause of a segment whose attempt was cancelled. */
const CANCELLED: ErrorCode = "cancelled";

/** One sentence, then the reasons of segments that failed for another cause. */
function cancelledTexts(row: TaskRow): string[] {
  const others = appliedReasons(row).filter(({ cause }) => cause !== CANCELLED);
  return [`Attempt ${row.attempt} was cancelled; a retry continues where it stopped.`, ...others.map(textOf)];
}

function appliedReasons(row: TaskRow): readonly Reason[] {
  return row.reasons.filter((reason) => {
    if (reason.attempt === REJECTED) return row.rejected && !row.accepted;
    return reason.segment === undefined
      ? row.failedStepAttempt === reason.attempt
      : row.failed[reason.segment] === reason.attempt && reason.attempt >= row.attempt;
  });
}

function textOf({ segment, text }: Reason): string {
  return segment === undefined ? text : `segment ${segment}: ${text}`;
}

/** The sentence for operators about a table that a restore created and did not fill. */
export function tableStays({ request }: Pick<Plan, "request">): string {
  return `This restore created table ${request["table-name"]} in ${request["table-region"]}. The table stays: retry the task, or delete the table.`;
}

/**
 * Reasons of segments that the row does not list. It keeps few reasons, and the segments of all of them may be complete
 * by now.
 */
function unlisted(row: TaskRow): string[] {
  const segments = Object.keys(row.failed).filter((segment) => row.failed[segment]! >= row.attempt);
  return segments.map((segment) => `segment ${segment}: Its record in the segment-table has the reason.`);
}

/** A segment's item in `segment-table`. */
export interface SegmentRecord {
  /** The task's id. */
  readonly task: string;
  readonly segment: number;
  readonly state: "queued" | "running" | "completed" | "failed";
  readonly attempt: number;
  readonly batches: number;
  readonly items: number;
  readonly bytes: number;
  readonly skipped?: number;
  readonly matched?: number;
  /** In this attempt. Absent until a slice reported them. */
  readonly handoffs?: number;
  readonly usage?: Usage;
  readonly reason?: string;
  /** ISO 8601. */
  readonly updatedTime: string;
}

/**
 * A record's rank, as a string that sorts: completed, attempt, failed, batches, items, then what its slices used. Facts arrive
 * late and out of order; a record of lower rank never replaces one of higher rank.
 */
export function rankOf(record: SegmentRecord): string {
  const digits = (value: number, width: number) => String(value).padStart(width, "0");
  return [
    record.state === "completed" ? 1 : 0,
    digits(record.attempt, 6),
    record.state === "failed" ? 1 : 0,
    digits(record.batches, 8),
    digits(record.items, 14),
    digits(record.handoffs ?? 0, 8),
    digits(record.usage?.units ?? 0, 14),
    digits(record.usage?.throttles ?? 0, 10),
    digits(record.usage?.ms ?? 0, 14),
  ].join(".");
}
