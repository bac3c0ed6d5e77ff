/**
 * The rows of the status tables, and what is derived from them.
 */
import type { Counts, Plan, Resume } from "../events.ts";
import type { Action, RowKey } from "../task.ts";
import { announcements } from "../topology.ts";

export type TaskState =
  | "requested"
  | "rejected"
  | "running"
  | "cancelling"
  | "finishing"
  | "succeeded"
  | "failed"
  | "cancelled";

/** The attempt of a rejection's reason: there was none. A duplicate of an accepted task's request may be rejected, too. */
export const REJECTED = 0;

/** Why something failed. `segment` is absent where the task as a whole did. */
export interface Reason {
  readonly attempt: number;
  readonly segment?: number;
  readonly cause: string;
  readonly text: string;
}

/** What is known of a task: the join of its facts. Everything else of a row is derived by `view`. */
export interface TaskRow {
  readonly action: Action;
  readonly key: string;
  readonly timestamp: number;
  /** The task's id and its request's. Absent until a fact that carries them: an operator's cancel names the row alone. */
  readonly "task-id"?: string;
  readonly "request-id"?: string;
  /** Raised by one with each write. */
  readonly rev: number;
  /**
   * Not of the join: written between two ends that are alike, those of two attempts, so that the streams, which tell
   * that a state was come to, tell the second one too.
   */
  readonly reannounce?: true;
  /** The request's fields, as far as they are strings, numbers or booleans. */
  readonly request: Readonly<Record<string, string | number | boolean>>;
  readonly plan?: Plan;
  readonly accepted: boolean;
  readonly rejected: boolean;
  readonly finished: boolean;
  readonly attempt: number;
  /** The highest attempt that was cancelled; 0 for none. */
  readonly cancelledAttempt: number;
  /** The highest attempt in which a step of the task itself could not be done; 0 for none. */
  readonly failedStepAttempt: number;
  readonly total: number;
  /** Segments, ascending. */
  readonly completed: readonly number[];
  /** Segment → the attempt it failed in. */
  readonly failed: Readonly<Record<string, number>>;
  /** Segment → its highest attempt, where that is above 1. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Segment → what it stored or wrote before it failed, where it is not complete. */
  readonly segmentCheckpoints: Readonly<Record<string, Partial<Resume> & Counts>>;
  /** Of the completed segments. */
  readonly batches: number;
  readonly items: number;
  readonly bytes: number;
  readonly skipped: number;
  /** The first of the reasons ever given, latest attempt first, then by segment. */
  readonly reasons: readonly Reason[];
  /** ISO 8601; the earliest event that says so. */
  readonly acceptedTime?: string;
  readonly finishedTime?: string;
  /** ISO 8601; the latest event. */
  readonly updatedTime: string;
}

/** The row of a task of which nothing is known but who it is. `time`: ISO 8601, of the first event that names it. */
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
    reasons: [],
    updatedTime: time,
  };
}

/** What is told of a task: the first that holds. */
export function stateOf(row: TaskRow): TaskState {
  if (row.reannounce) return "running";
  if (row.finished) return "succeeded";
  if (!row.accepted) return row.rejected ? "rejected" : "requested";
  const broken = row.failedStepAttempt >= row.attempt;
  if (row.completed.length === row.total) return broken ? "failed" : "finishing";
  const cancelled = row.cancelledAttempt >= row.attempt;
  const done = row.completed.length + failedSegments(row) >= row.total;
  if (broken || done) return cancelled ? "cancelled" : "failed";
  return cancelled ? "cancelling" : "running";
}

/**
 * How many segments failed in this attempt. A failure of an earlier one does not count: a retry queues every
 * unfinished segment again, and until the projector has heard of each, a count of the old ones would end the new
 * attempt before it began (docs/decisions/0001).
 */
export function failedSegments(row: TaskRow): number {
  return Object.values(row.failed).filter((attempt) => attempt >= row.attempt).length;
}

/** What the archive or the table holds, as far as the segments have told: of those that failed, too. */
export function transferred(row: Pick<TaskRow, "segmentCheckpoints" | keyof Counts>): Required<Counts> {
  return Object.values(row.segmentCheckpoints).reduce<Required<Counts>>(
    (sum, part) => ({
      batches: sum.batches + part.batches,
      items: sum.items + part.items,
      bytes: sum.bytes + part.bytes,
      skipped: sum.skipped + (part.skipped ?? 0),
    }),
    { batches: row.batches, items: row.items, bytes: row.bytes, skipped: row.skipped },
  );
}

/** States in which no segment should work any more. `failed` and `cancelled` may lift: a retry, a late worker. */
export function isEnded(state: TaskState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled" || state === "rejected";
}

/** What the status stream's Pipe says of a state; nothing for the others. */
export function announcementOf(state: TaskState): string | undefined {
  return (announcements as Partial<Record<TaskState, string>>)[state];
}

/** The reasons that still hold, in words: those of lifted failures are left out. A failed row always has one. */
export function reasonsOf(row: TaskRow): string[] {
  const state = stateOf(row);
  if (state === "succeeded") return [];
  const holding = row.reasons
    .filter((reason) => {
      if (reason.attempt === REJECTED) return row.rejected && !row.accepted;
      return reason.segment === undefined
        ? row.failedStepAttempt === reason.attempt
        : row.failed[reason.segment] === reason.attempt && reason.attempt >= row.attempt;
    })
    .map((reason) =>
      reason.segment === undefined ? reason.text : `segment ${reason.segment}: ${reason.text}`,
    );
  return holding.length === 0 && state === "failed" ? unlisted(row) : holding;
}

/** A row keeps few reasons. All of them may be of segments that completed since, while others failed too. */
function unlisted(row: TaskRow): string[] {
  const segments = Object.keys(row.failed).filter((segment) => row.failed[segment]! >= row.attempt);
  return segments.map((segment) => `segment ${segment}: it failed; its record in the segment-table says why`);
}

/** The live row of one segment. */
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
  readonly reason?: string;
  /** ISO 8601. */
  readonly updatedTime: string;
}

/**
 * A record's rank, as a string that sorts: completed, attempt, failed, batches, items. Facts come late and out of
 * order; a lower rank never replaces a higher one.
 */
export function rankOf(record: SegmentRecord): string {
  const digits = (value: number, width: number) => String(value).padStart(width, "0");
  return [
    record.state === "completed" ? 1 : 0,
    digits(record.attempt, 6),
    record.state === "failed" ? 1 : 0,
    digits(record.batches, 8),
    digits(record.items, 14),
  ].join(".");
}
