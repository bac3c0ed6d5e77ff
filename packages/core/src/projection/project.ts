/**
 * The projection: a join. Facts arrive late, twice and out of order; any order and multiplicity of a task's facts
 * gives one row.
 */
import type { Counts, Plan } from "../events.ts";
import type { Fact, RequestFields } from "./facts.ts";
import { newTaskRow, REJECTED, type Reason, type TaskRow } from "./status.ts";

/** Reasons kept in a row. What is dropped is in the segments' records. */
const REASONS_MAX = 10;

/** The row after a fact. The very same object when the fact adds nothing. */
export function project(before: TaskRow | undefined, fact: Fact): TaskRow {
  const row = before ?? newTaskRow(fact.row, fact.time);
  // Progress touches the segment's record alone.
  if (fact.kind === "progressed") return row;
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
    // A cancel cancels the attempt it meets, never raises one.
    attempt: "attempt" in fact && fact.kind !== "cancel" ? Math.max(row.attempt, fact.attempt) : row.attempt,
  };
}

function joined(row: TaskRow, fact: Fact): TaskRow {
  switch (fact.kind) {
    case "accepted":
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
      return { ...row, finished: true, finishedTime: earlier(row.finishedTime, fact.time) };
    case "queued":
      return withAttempt(row, fact.segment, fact.attempt);
    case "progressed":
      return row;
    case "completed": {
      const { segment, counts } = fact;
      const attempted = withAttempt(row, segment, fact.attempt);
      // All workers of a segment report the same totals, so the first to come may count.
      if (isComplete(row, segment)) return attempted;
      return {
        ...attempted,
        completed: inserted(row.completed, segment),
        // A failure does not stand where its segment completed.
        failed: without(attempted.failed, segment),
        segmentCheckpoints: without(attempted.segmentCheckpoints, segment),
        batches: row.batches + counts.batches,
        items: row.items + counts.items,
        bytes: row.bytes + counts.bytes,
        skipped: row.skipped + (counts.skipped ?? 0),
      };
    }
    case "failed": {
      const { segment, attempt, cause, text } = fact;
      const attempted = withAttempt(row, segment, attempt);
      const reasons = withReason(row, { attempt, segment, cause, text });
      if (isComplete(row, segment)) return { ...attempted, reasons };
      const stands = attempt >= attemptOf(attempted, segment) && row.failed[segment] !== attempt;
      return {
        ...attempted,
        ...(stands && { failed: { ...row.failed, [segment]: attempt } }),
        segmentCheckpoints: withPart(row.segmentCheckpoints, segment, partOf(fact.counts, fact.cursor)),
        reasons,
      };
    }
  }
}

/** What follows from an acceptance carries the plan: a row that lost the one learns of it by the others. */
function withPlan(row: TaskRow, fact: Fact): TaskRow {
  if (!("plan" in fact) || fact.plan === undefined) return row;
  const plan = smaller(row.plan, fact.plan);
  const request = plan.request as RequestFields;
  return {
    ...row,
    accepted: true,
    acceptedTime: earlier(row.acceptedTime, fact.time),
    plan,
    total: plan["total-segments"],
    request: JSON.stringify(request) === JSON.stringify(row.request) ? row.request : request,
  };
}

/** The furthest that a segment came. Nothing done is nothing to tell. */
function withPart(
  segmentCheckpoints: TaskRow["segmentCheckpoints"],
  segment: number,
  part: Part,
): TaskRow["segmentCheckpoints"] {
  const known = segmentCheckpoints[segment];
  if (furthest(part) <= (known === undefined ? furthest(nothing) : furthest(known)))
    return segmentCheckpoints;
  return { ...segmentCheckpoints, [segment]: part };
}

type Part = TaskRow["segmentCheckpoints"][string];

/** In one order of fields, whoever said it. */
function partOf({ batches, items, bytes, skipped }: Counts, cursor?: { file: number; line: number }): Part {
  return {
    ...{ batches, items, bytes },
    ...(cursor !== undefined && { file: cursor.file, line: cursor.line }),
    ...(cursor !== undefined && skipped !== undefined && { skipped }),
  };
}

const nothing: Part = { batches: 0, items: 0, bytes: 0 };

/** How far a part reaches, as a text that sorts: all that is in it, so that two of one reach are the same. */
function furthest({ file = 0, line = 0, batches, items, bytes, skipped = 0 }: Part): string {
  return [file, line, batches, items, bytes, skipped]
    .map((value) => String(value).padStart(15, "0"))
    .join(".");
}

function attemptOf(row: TaskRow, segment: number): number {
  return row.attempts[segment] ?? 1;
}

/** The segment's attempt, where it is a later one: a failure of an earlier one does not stand any more. */
function withAttempt(row: TaskRow, segment: number, attempt: number): TaskRow {
  if (attempt <= attemptOf(row, segment)) return row;
  return {
    ...row,
    attempts: { ...row.attempts, [segment]: attempt },
    failed: without(row.failed, segment),
  };
}

/** The same object where it has no such segment. */
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

/** The index of the first that is not lower. A search by halves: a row may have thousands of segments. */
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

/** The first of all reasons ever given in a fixed order, so that it does not matter in which order they came. */
function withReason(row: TaskRow, reason: Reason): readonly Reason[] {
  const key = (one: Reason) => JSON.stringify([one.attempt, one.segment, one.cause, one.text]);
  if (row.reasons.some((one) => key(one) === key(reason))) return row.reasons;
  const first = [...row.reasons, reason].sort(byRank).slice(0, REASONS_MAX);
  return first.includes(reason) ? first : row.reasons;
}

/** Latest attempt first, the task's own before its segments', then by segment and text. */
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

/** Plans of one task are equal but for what a repeated plan may read anew, such as provisioned capacity. */
function smaller(a: Plan | undefined, b: Plan): Plan {
  return a === undefined || JSON.stringify(b) < JSON.stringify(a) ? b : a;
}

/** Whether a fact added nothing. Each field is the very same value then: what does not change is not copied. */
function same(before: TaskRow, after: TaskRow): boolean {
  const fields = Object.keys({ ...before, ...after }) as (keyof TaskRow)[];
  return fields.every((field) => before[field] === after[field]);
}
