/**
 * A row of the status tables, attribute by attribute as an operator reads it, is what the task's events say.
 */
import type { BusEvent } from "@ferry/core/events";
import type { TaskRow } from "@ferry/core/projection/status";
import { type Answers, answersOf } from "./answers.ts";
import { intoWiped, isDisturbed, type Outcome } from "./outcome.ts";
import { type Attributes, attributesOf } from "./projection.ts";
import {
  movedBy,
  type Recount,
  recount,
  skippedBy,
  standingFailures,
  stateFrom,
  taskName,
} from "./recount.ts";

/** Causes that a row keeps. */
const CAUSES_MAX = 10;

export function rowViolations(outcome: Outcome): string[] {
  const { status, calmRows, recorder, calmFacts } = outcome;
  const answers = answersOf(outcome);
  return [
    ...compared(calmRows, recorder.facts.slice(0, calmFacts), "at the calm", answers, outcome),
    ...compared(status.rows(), recorder.facts, "in the end", answers, outcome),
  ];
}

function compared(
  rows: readonly TaskRow[],
  facts: Outcome["recorder"]["facts"],
  when: string,
  answers: Answers,
  outcome: Outcome,
): string[] {
  const tasks = recount(facts.filter((fact) => !cancelsAhead(fact, outcome)));
  const found: string[] = [];
  for (const row of rows) {
    // A segment that is stored twice, before a wipe and after it, may have two counts. A row that was deleted says what
    // its later events say.
    if (intoWiped(row, outcome) || outcome.operations.actors.deletedRows.has(taskName(row))) continue;
    const seen = attributesOf(row);
    const task = tasks.get(taskName(row));
    // Planned again after its task.json was deleted, a task may have two plans. Its row keeps one, and it may not succeed.
    if ((task?.plans.size ?? 0) > 1 && isDisturbed(row, outcome)) continue;
    const expected = expectedOf(task, row, answers);
    for (const [name, value] of Object.entries(expected))
      if (JSON.stringify(seen[name]) !== JSON.stringify(value))
        found.push(
          `ROW: ${taskName(row)} has ${name} ${JSON.stringify(seen[name])} ${when}, its events say ${JSON.stringify(value)}`,
        );
    if (task !== undefined && row.action === "restore") {
      const { least, most } = skippedBy(task);
      const skipped = seen["skipped-items"] as number;
      if (!(skipped >= least && skipped <= most))
        found.push(
          `ROW: ${taskName(row)} has skipped-items ${skipped} ${when}, its events say ${least} to ${most}`,
        );
    }
    const plan = seen["plan"] as string | null;
    if (plan === null ? (task?.plans.size ?? 0) > 0 : task?.plans.has(plan) !== true)
      found.push(`ROW: ${taskName(row)} has a plan ${when} that no event of it carries: ${plan}`);
    found.push(...reasonViolations(seen, task, answers.rejectionsOf(row)));
    if (task !== undefined) found.push(...recordViolations(task, row, outcome, when));
  }
  for (const [name, task] of tasks)
    if (
      task.acceptedTime !== undefined &&
      !rows.some((row) => taskName(row) === name) &&
      when === "in the end"
    )
      if (!outcome.operations.actors.deletedRows.has(name))
        found.push(`ROW: ${name} was accepted and has no row`);
  return found;
}

function expectedOf(task: Recount | undefined, row: TaskRow, answers: Answers): Attributes {
  const request = answers.requestOf(row);
  const rejections = answers.rejectionsOf(row);
  const rejected = rejections.length > 0;
  const own = {
    action: row.action,
    // No run has as many files as it takes for a note.
    notes: undefined,
    rejected,
    between: undefined,
    ...(request !== undefined && { "request-id": request.id, ...request.fields }),
  };
  if (task === undefined)
    return { ...own, state: rejected ? "rejected" : "requested", accepted: false, "total-segments": 0 };
  const moved = movedBy(task);
  return {
    ...own,
    state: stateFrom(task, rejected),
    accepted: task.acceptedTime !== undefined,
    finished: task.finished,
    attempt: task.attempt,
    cancelledAttempt: task.cancelledAttempt,
    "total-segments": task.total,
    "completed-segments": task.completed.size,
    "failed-segments": standingFailures(task).size,
    "transferred-batches": moved.batches,
    "transferred-items": moved.items,
    "transferred-bytes": moved.bytes,
    "accepted-time": task.acceptedTime,
    "finished-time": task.finishedTime,
    "updated-time": [task.updatedTime, ...rejections.map(({ time }) => time)].sort().at(-1),
  };
}

/** Whether it is a cancel of an attempt that was never begun: it is refused. */
export function cancelsAhead({ "detail-type": type, detail }: BusEvent, { recorder }: Outcome): boolean {
  const { task, attempt = 1 } = detail as { task: Parameters<typeof taskName>[0]; attempt?: number };
  if (type !== "TaskCancelRequested" || typeof task !== "object") return false;
  return attempt > recorder.attemptAt(taskName(task), Number.POSITIVE_INFINITY);
}

/** A row that says that something went wrong says what; one that says that all is well says nothing. */
function reasonViolations(
  seen: Attributes,
  task: Recount | undefined,
  rejections: readonly { readonly cause: string }[],
): string[] {
  const state = String(seen["state"]);
  const reasons = seen["reasons"] as readonly string[];
  const name = `${seen["action"]} ${seen["key"]}@${seen["timestamp"]}`;
  if (state === "succeeded" && reasons.length > 0)
    return [`REASON: ${name} succeeded and says ${reasons[0]}`];
  if ((state === "failed" || state === "rejected") && (seen["reason"] === "" || reasons.length === 0))
    return [`REASON: ${name} is ${state} and does not say why`];
  const causes = new Set<string>();
  if (state === "rejected") for (const { cause } of rejections) causes.add(cause);
  if (task !== undefined && (state === "failed" || state === "cancelled"))
    for (const { attempt, cause } of task.failures) if (attempt === task.attempt) causes.add(cause);
  if (causes.size === 0) return [];
  // Of more than it can hold a row keeps the first, and they may be of segments that completed since.
  if ((seen["causes"] as readonly unknown[]).length >= CAUSES_MAX) return [];
  const said = String(seen["reason"]);
  const isKnown = [...causes].some((cause) => said.includes(cause));
  return isKnown ? [] : [`REASON: ${name} is ${state} for ${[...causes].join()} and says "${said}"`];
}

/** Each segment's record says what became of it. */
function recordViolations(task: Recount, row: TaskRow, { status }: Outcome, when: string): string[] {
  if (when !== "in the end") return [];
  const found: string[] = [];
  const records = new Map(
    status.records(`${attributesOf(row)["task-id"]}`).map((record) => [record.segment, record]),
  );
  for (const [segment, { batches, items, bytes }] of task.completed) {
    const record = records.get(segment);
    const same = record?.batches === batches && record.items === items && record.bytes === bytes;
    if (record?.state !== "completed" || !same)
      found.push(`RECORD: ${taskName(row)} segment ${segment} is ${JSON.stringify(record)}`);
  }
  for (const [segment, attempt] of task.attempts) {
    const record = records.get(segment);
    if (record === undefined) found.push(`RECORD: ${taskName(row)} segment ${segment} has none`);
    else if (record.state !== "completed" && record.attempt < attempt)
      found.push(`RECORD: ${taskName(row)} segment ${segment} knows no attempt ${attempt}`);
  }
  for (const segment of standingFailures(task))
    if (records.get(segment)?.state !== "failed")
      found.push(`RECORD: ${taskName(row)} segment ${segment} failed and is ${records.get(segment)?.state}`);
  return found;
}
