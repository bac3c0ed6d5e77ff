/**
 * The projection: a join. Facts arrive late, twice and out of order; any order and multiplicity of a task's facts
 * gives one row.
 */
import type { Counts, Plan } from "../events.ts";
import type { Fact, RequestFields } from "./facts.ts";
import { type Reason, type TaskRow, unheardOf } from "./status.ts";

/** Reasons kept in a row. What is dropped is in the segments' records. */
const REASONS_MAX = 10;

/** The row after a fact. The very same object when the fact adds nothing. */
export function project(before: TaskRow | undefined, fact: Fact): TaskRow {
  const row = before ?? unheardOf(fact.row, fact.time);
  // Progress touches the segment's record alone.
  if (fact.kind === "progressed") return row;
  const after = settled(joined(withPlan(withIdentity(row, fact), fact), fact));
  return before !== undefined && same(before, after) ? before : after;
}

function withIdentity(row: TaskRow, fact: Fact): TaskRow {
  const requestId = row["request-id"] ?? fact.row["request-id"];
  return {
    ...row,
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
        reasons: withReason(row, { attempt: 1, cause: fact.cause, text: fact.text }),
      };
    }
    case "cancel":
      return { ...row, cancel: Math.max(row.cancel, fact.attempt) };
    case "broken": {
      const { attempt, cause, text } = fact;
      return {
        ...row,
        broken: Math.max(row.broken, attempt),
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
      if (row.completed.includes(segment)) return attempted;
      return {
        ...attempted,
        completed: [...row.completed, segment].sort((a, b) => a - b),
        batches: row.batches + counts.batches,
        items: row.items + counts.items,
        bytes: row.bytes + counts.bytes,
      };
    }
    case "failed": {
      const { segment, attempt, cause, text } = fact;
      const attempted = withAttempt(row, segment, attempt);
      const current = attempt >= attemptOf(attempted, segment);
      return {
        ...attempted,
        ...(current && { failed: { ...row.failed, [segment]: attempt } }),
        partial: withPart(row.partial, segment, partOf(fact.counts, fact.cursor)),
        reasons: withReason(row, { attempt, segment, cause, text }),
      };
    }
  }
}

/** A failure does not stand where its segment completed, or was tried again since. */
function settled(row: TaskRow): TaskRow {
  const standing = Object.entries(row.failed).filter(
    ([segment, attempt]) =>
      !row.completed.includes(Number(segment)) && attempt >= attemptOf(row, Number(segment)),
  );
  const partial = Object.entries(row.partial).filter(([segment]) => !row.completed.includes(Number(segment)));
  return { ...row, failed: Object.fromEntries(standing), partial: Object.fromEntries(partial) };
}

/** What follows from an acceptance carries the plan: a row that lost the one learns of it by the others. */
function withPlan(row: TaskRow, fact: Fact): TaskRow {
  if (!("plan" in fact) || fact.plan === undefined) return row;
  const plan = smaller(row.plan, fact.plan);
  return {
    ...row,
    accepted: true,
    acceptedTime: earlier(row.acceptedTime, fact.time),
    plan,
    total: plan["total-segments"],
    request: plan.request as RequestFields,
  };
}

/** The furthest that a segment came. Nothing done is nothing to tell. */
function withPart(partial: TaskRow["partial"], segment: number, part: Part): TaskRow["partial"] {
  const known = partial[segment];
  if (furthest(part) <= (known === undefined ? furthest(nothing) : furthest(known))) return partial;
  return { ...partial, [segment]: part };
}

type Part = TaskRow["partial"][string];

/** In one order of fields, whoever said it. */
function partOf({ batches, items, bytes }: Counts, cursor?: { file: number; line: number }): Part {
  return { batches, items, bytes, ...(cursor !== undefined && { file: cursor.file, line: cursor.line }) };
}

const nothing: Part = { batches: 0, items: 0, bytes: 0 };

/** How far a part reaches, as a text that sorts: all that is in it, so that two of one reach are the same. */
function furthest({ file = 0, line = 0, batches, items, bytes }: Part): string {
  return [file, line, batches, items, bytes].map((value) => String(value).padStart(15, "0")).join(".");
}

function attemptOf(row: TaskRow, segment: number): number {
  return row.attempts[segment] ?? 1;
}

function withAttempt(row: TaskRow, segment: number, attempt: number): TaskRow {
  return attempt > attemptOf(row, segment)
    ? { ...row, attempts: { ...row.attempts, [segment]: attempt } }
    : row;
}

/** The first of all reasons ever given in a fixed order, so that it does not matter in which order they came. */
function withReason(row: TaskRow, reason: Reason): readonly Reason[] {
  const key = (one: Reason) => JSON.stringify([one.attempt, one.segment, one.cause, one.text]);
  const known = new Map([...row.reasons, reason].map((one) => [key(one), one]));
  return [...known.values()].sort(byRank).slice(0, REASONS_MAX);
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

function same(a: TaskRow, b: TaskRow): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** Order of keys is no difference. */
function sorted(row: TaskRow): unknown {
  return Object.entries(row).sort(([a], [b]) => compare(a, b));
}
