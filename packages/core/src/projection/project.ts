/**
 * The projection of facts to a row. Facts arrive late, repeatedly and out of order. The projection is a join: any order
 * and any repetition of a task's facts gives the same row.
 */
import type { Counts, Plan } from "../events/events.ts";
import type { Fact, RequestFields, RestoreCursor } from "./facts.ts";
import { newTaskRow, REJECTED, type Reason, type TaskRow } from "./status.ts";

/** The most reasons in a row. The segments' records have the others. */
const REASONS_MAX = 10;

/** The row after a fact; the same object if the fact adds nothing. */
export function project(before: TaskRow | undefined, fact: Fact): TaskRow {
  const row = before ?? newTaskRow(fact.row, fact.time);
  const after = joined(withPlan(withIdentity(row, fact), fact), fact);
  return before !== undefined && same(before, after) ? before : after;
}

function withIdentity(row: TaskRow, fact: Fact): TaskRow {
  const requestId = row["request-id"] ?? fact.row["request-id"];
  const id = row["task-id"] ?? fact.row.id;
  return {
    ...row,
    ...(id !== undefined && { "task-id": id }),
    ...(requestId !== undefined && { "request-id": requestId }),
    updatedTime: later(row.updatedTime, fact.time),
    // A cancel never raises the row's attempt.
    attempt: "attempt" in fact && fact.kind !== "cancel" ? Math.max(row.attempt, fact.attempt) : row.attempt,
  };
}

function joined(row: TaskRow, fact: Fact): TaskRow {
  switch (fact.kind) {
    case "accepted":
    // The last step continues: the time of its event shows that it makes progress.
    case "finishing":
      return row;
    case "rejected": {
      const request = row.accepted || row.rejected ? row.request : fact.request;
      return {
        ...row,
        rejected: true,
        request,
        reasons: withReason(row, { attempt: REJECTED, cause: fact.cause, text: fact.text }),
      };
    }
    case "cancel":
      return { ...row, cancelledAttempt: Math.max(row.cancelledAttempt, fact.attempt) };
    case "stepFailed": {
      const { attempt, cause, text } = fact;
      return {
        ...row,
        failedStepAttempt: Math.max(row.failedStepAttempt, attempt),
        reasons: withReason(row, { attempt, cause, text }),
      };
    }
    case "finished":
      return {
        ...row,
        finished: true,
        finishedTime: earlier(row.finishedTime, fact.time),
        ...(fact.settings !== undefined && { settings: smaller(row.settings, fact.settings) }),
      };
    case "queued":
      return withAttempt(row, fact.segment, fact.attempt);
    case "progressed": {
      const attempted = withAttempt(row, fact.segment, fact.attempt);
      return { ...attempted, segmentCheckpoints: withPart(row, fact) };
    }
    case "completed": {
      const { segment, counts } = fact;
      const attempted = withAttempt(row, segment, fact.attempt);
      // All workers of a segment report the same totals, so only the first report is added.
      if (isComplete(row, segment)) return attempted;
      return {
        ...attempted,
        completed: inserted(row.completed, segment),
        // The segment's completion replaces its failure.
        failed: without(attempted.failed, segment),
        segmentCheckpoints: without(attempted.segmentCheckpoints, segment),
        batches: row.batches + counts.batches,
        items: row.items + counts.items,
        bytes: row.bytes + counts.bytes,
        skipped: row.skipped + (counts.skipped ?? 0),
        matched: row.matched + (counts.matched ?? 0),
      };
    }
    case "failed": {
      const { segment, attempt, cause, text } = fact;
      const attempted = withAttempt(row, segment, attempt);
      const reasons = withReason(row, { attempt, segment, cause, text });
      if (isComplete(row, segment)) return { ...attempted, reasons };
      const isNew = attempt >= attemptOf(attempted, segment) && row.failed[segment] !== attempt;
      return {
        ...attempted,
        ...(isNew && { failed: { ...row.failed, [segment]: attempt } }),
        segmentCheckpoints: withPart(row, fact),
        reasons,
      };
    }
  }
}

/** Takes the plan from any fact that carries it, so that a row whose acceptance was lost still gets its plan. */
function withPlan(row: TaskRow, fact: Fact): TaskRow {
  if (!("plan" in fact) || fact.plan === undefined) return row;
  const plan = smaller(row.plan, fact.plan);
  const request = scalarsOf(plan.request);
  return {
    ...row,
    accepted: true,
    acceptedTime: earlier(row.acceptedTime, fact.time),
    plan,
    total: plan["total-segments"],
    request: JSON.stringify(request) === JSON.stringify(row.request) ? row.request : request,
  };
}

/** The fields of a request that are attributes of the row. The plan has the others. */
function scalarsOf(request: Plan["request"]): RequestFields {
  const scalars = Object.entries(request).filter(([, value]) => typeof value !== "object");
  return Object.fromEntries(scalars) as RequestFields;
}

/**
 * The checkpoints with the segment's furthest one. That of a complete segment is not stored, nor is a checkpoint without
 * progress.
 */
function withPart(
  row: TaskRow,
  { segment, counts, cursor }: Extract<Fact, { readonly kind: "progressed" | "failed" }>,
): TaskRow["segmentCheckpoints"] {
  const { segmentCheckpoints } = row;
  const part = partOf(counts, cursor);
  if (isComplete(row, segment)) return segmentCheckpoints;
  const known = segmentCheckpoints[segment];
  if (partRank(part) <= (known === undefined ? partRank(nothing) : partRank(known)))
    return segmentCheckpoints;
  return { ...segmentCheckpoints, [segment]: part };
}

type Part = TaskRow["segmentCheckpoints"][string];

/** A fact's checkpoint, with a fixed order of fields. */
function partOf({ batches, items, bytes, skipped, matched }: Counts, cursor?: RestoreCursor): Part {
  return {
    batches,
    items,
    bytes,
    ...(cursor !== undefined && { file: cursor.file, line: cursor.line }),
    ...(cursor !== undefined && skipped !== undefined && { skipped }),
    ...(cursor !== undefined && matched !== undefined && { matched }),
  };
}

const nothing: Part = { batches: 0, items: 0, bytes: 0 };

/** A checkpoint's rank, as a string that sorts. It contains all fields, so that checkpoints of equal rank are equal. */
function partRank({ file = 0, line = 0, batches, items, bytes, skipped = 0, matched = 0 }: Part): string {
  return [file, line, batches, items, bytes, skipped, matched]
    .map((value) => String(value).padStart(15, "0"))
    .join(".");
}

function attemptOf(row: TaskRow, segment: number): number {
  return row.attempts[segment] ?? 1;
}

/** Raises the segment's attempt. A later attempt removes the failure of an earlier one. */
function withAttempt(row: TaskRow, segment: number, attempt: number): TaskRow {
  if (attempt <= attemptOf(row, segment)) return row;
  return {
    ...row,
    attempts: { ...row.attempts, [segment]: attempt },
    failed: without(row.failed, segment),
  };
}

/** The record without this segment; the same object if it does not have it. */
function without<T>(record: Readonly<Record<string, T>>, segment: number): Readonly<Record<string, T>> {
  if (!(segment in record)) return record;
  const { [segment]: _, ...rest } = record;
  return rest;
}

function isComplete(row: TaskRow, segment: number): boolean {
  return row.completed[placeOf(row.completed, segment)] === segment;
}

function inserted(segments: readonly number[], segment: number): readonly number[] {
  return segments.toSpliced(placeOf(segments, segment), 0, segment);
}

/** The index of the first segment that is not lower. It is a binary search, because a row may have thousands of segments. */
function placeOf(ascending: readonly number[], segment: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < segment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Keeps the first reasons in a fixed order, so that the order of their arrival does not matter. */
function withReason(row: TaskRow, reason: Reason): readonly Reason[] {
  if (row.reasons.some((one) => byRank(one, reason) === 0)) return row.reasons;
  const first = [...row.reasons, reason].sort(byRank).slice(0, REASONS_MAX);
  return first.includes(reason) ? first : row.reasons;
}

/** Latest attempt first, the task's own reason before those of segments, then by segment, cause and text. */
function byRank(a: Reason, b: Reason): number {
  return (
    b.attempt - a.attempt ||
    (a.segment ?? -1) - (b.segment ?? -1) ||
    compare(a.cause, b.cause) ||
    compare(a.text, b.text)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function earlier(a: string | undefined, b: string): string {
  return a === undefined || b < a ? b : a;
}

function later(a: string, b: string): string {
  return b > a ? b : a;
}

/**
 * Chooses between plans of a task, or reports of its settings, by their text. Plans differ only in what a repeated plan reads
 * again, such as provisioned capacity.
 */
function smaller<T extends object>(a: T | undefined, b: T): T {
  if (a === undefined) return b;
  return a !== b && JSON.stringify(b) < JSON.stringify(a) ? b : a;
}

/** Whether a fact added nothing. Unchanged fields are not copied, so identity shows it. */
function same(before: TaskRow, after: TaskRow): boolean {
  const fields = Object.keys({ ...before, ...after }) as (keyof TaskRow)[];
  return fields.every((field) => before[field] === after[field]);
}
