/**
 * Each attribute of a row in the status tables agrees with the task's events.
 */
import type { BusEvent } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { Answers } from "./answers.ts";
import { hasDeletedRow, isDisturbed, isIntoWipedPrefix, type Outcome } from "./outcome.ts";
import { type Attributes, attributesOf } from "./projection.ts";
import { taskLabel } from "./recorder.ts";
import {
  currentFailures,
  type Recount,
  type ReportedSettings,
  recount,
  settingsText,
  skippedBy,
  stateFrom,
  taskName,
  transferredBy,
} from "./recount.ts";
import { onlyOf } from "./selected.ts";

const NOTHING_MATCHED = "The archive has no item with a key in only: nothing was written.";
/** The most causes that a row keeps. */
const CAUSES_MAX = 10;

export function* rowViolations(outcome: Outcome, answers: Answers): Iterable<string> {
  const { status, quiescedRows, recorder, quiescedFacts } = outcome;
  const quiesced = recorder.facts.slice(0, quiescedFacts);
  yield* compared(quiescedRows, quiesced, "after the quiesce", answers, outcome);
  yield* compared(status.rows(), recorder.facts, "at the end", answers, outcome);
  for (const row of status.rows()) yield* backwardViolations(row, outcome);
}

/** What a row shows as transferred never goes back, unless its archive was wiped or it was deleted. */
function* backwardViolations(row: TaskRow, outcome: Outcome): Iterable<string> {
  if (isIntoWipedPrefix(row, outcome) || hasDeletedRow(row, outcome)) return;
  for (const change of outcome.recorder.history(taskLabel(row)).wentBack)
    yield `ROW: ${taskName(row)} went back from ${change}`;
}

function* compared(
  rows: readonly TaskRow[],
  facts: Outcome["recorder"]["facts"],
  when: string,
  answers: Answers,
  outcome: Outcome,
): Iterable<string> {
  const tasks = recount(facts.filter((fact) => !isUnknownAttemptCancel(fact, outcome)));
  for (const row of rows) {
    // A segment that is stored both before and after a wipe may have two counts. A row that was deleted has only its later
    // events.
    if (isIntoWipedPrefix(row, outcome) || hasDeletedRow(row, outcome)) continue;
    const seen = attributesOf(row);
    const task = tasks.get(taskName(row));
    // A task that was planned again after its task.json was deleted may have two plans. Its row keeps one, and it may fail.
    if ((task?.plans.size ?? 0) > 1 && isDisturbed(row, outcome)) continue;
    if (task !== undefined) resolveOpenCancels(task, row, outcome);
    const expected = expectedOf(task, row, answers);
    for (const [name, value] of Object.entries(expected))
      if (JSON.stringify(seen[name]) !== JSON.stringify(value))
        yield `ROW: ${taskName(row)} has ${name} ${JSON.stringify(seen[name])} ${when}, its events say ${JSON.stringify(value)}`;
    if (task !== undefined && row.action === "restore") {
      const { least, most } = skippedBy(task);
      const skipped = seen["skipped-items"] as number;
      if (!(skipped >= least && skipped <= most))
        yield `ROW: ${taskName(row)} has skipped-items ${skipped} ${when}, its events say ${least} to ${most}`;
    }
    const plan = seen["plan"] as string | null;
    if (plan === null ? (task?.plans.size ?? 0) > 0 : task?.plans.has(plan) !== true)
      yield `ROW: ${taskName(row)} has a plan ${when} that none of its events has: ${plan}`;
    const settings =
      row.settings === undefined ? undefined : settingsText(seen["settings"] as ReportedSettings);
    if (settings === undefined ? (task?.settings.size ?? 0) > 0 : task?.settings.has(settings) !== true)
      yield `ROW: ${taskName(row)} has settings ${when} that none of its events has: ${settings}`;
    yield* reasonViolations(seen, task, answers.rejectionsOf(row));
    if (task !== undefined) yield* recordViolations(task, row, outcome, when);
  }
  for (const [name, task] of tasks)
    if (
      task.acceptedTime !== undefined &&
      !rows.some((row) => taskName(row) === name) &&
      when === "at the end"
    )
      if (!outcome.operations.actors.deletedRows.has(name)) yield `ROW: ${name} was accepted and has no row`;
}

/**
 * Takes the row's cancelled attempt, if it is one that cancels without a number may have: at least the highest that had been
 * accepted when one was put, and at most one for each retry.
 */
function resolveOpenCancels(task: Recount, row: TaskRow, { recorder, operations }: Outcome): void {
  if (task.openCancels.length === 0) return;
  const name = taskName(row);
  const retries = operations.retries.filter(
    ({ detail }) => taskName((detail as { task: TaskRow }).task) === name,
  );
  const begun = task.openCancels.map((time) => recorder.attemptAt(name, Date.parse(time)));
  const least = Math.max(task.cancelledAttempt, ...begun);
  const most = Math.max(task.cancelledAttempt, retries.length + 1);
  const { cancelledAttempt: seen } = row;
  task.cancelledAttempt = seen >= least && seen <= most ? seen : least;
}

function expectedOf(task: Recount | undefined, row: TaskRow, answers: Answers): Attributes {
  const request = answers.requestOf(row);
  const rejections = answers.rejectionsOf(row);
  const rejected = rejections.length > 0;
  const own = {
    action: row.action,
    notes: undefined as unknown,
    rejected,
    between: undefined,
    ...(request !== undefined && { "request-id": request.id, ...scalarsOf(request.fields) }),
  };
  if (task === undefined)
    return { ...own, state: rejected ? "rejected" : "requested", accepted: false, "total-segments": 0 };
  const transferred = transferredBy(task);
  const isSelective = onlyOf(row) !== undefined;
  // No run has enough files for another note.
  const notes = [
    ...settingNotes(row.settings),
    ...(isSelective && task.finished && transferred.matched === 0 ? [NOTHING_MATCHED] : []),
  ];
  return {
    ...own,
    ...(notes.length > 0 && { notes }),
    "matched-items": isSelective ? transferred.matched : undefined,
    state: stateFrom(task, rejected),
    accepted: task.acceptedTime !== undefined,
    finished: task.finished,
    attempt: task.attempt,
    "cancelled-attempt": task.cancelledAttempt,
    "total-segments": task.total,
    "completed-segments": task.completed.size,
    "failed-segments": currentFailures(task).size,
    "transferred-batches": transferred.batches,
    "transferred-items": transferred.items,
    "transferred-bytes": transferred.bytes,
    "accepted-time": task.acceptedTime,
    "finished-time": task.finishedTime,
    "updated-time": [task.updatedTime, ...rejections.map(({ time }) => time)].sort().at(-1),
  };
}

/** A note for each setting that an operator must apply. */
function settingNotes(settings: ReportedSettings = {}): string[] {
  return Object.entries(settings)
    .filter(([, { outcome }]) => /^(not-captured|refused)$/.test(outcome))
    .map(([name, { outcome, reason }]) => `The setting ${name} is not reapplied (${outcome}): ${reason}.`);
}

/** The fields of a request that are attributes of its row. The plan has the lists. */
function scalarsOf(fields: Attributes): Attributes {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value !== "object"));
}

/** Whether it is a cancel of an attempt that never began. Such a cancel is refused. */
export function isUnknownAttemptCancel(
  { "detail-type": type, detail }: BusEvent,
  { recorder }: Outcome,
): boolean {
  const { task, attempt = 1 } = detail as { task: Parameters<typeof taskName>[0]; attempt?: number };
  if (type !== "TaskCancelRequested" || typeof task !== "object") return false;
  return attempt > recorder.attemptAt(taskName(task), Number.POSITIVE_INFINITY);
}

/** A row in state `failed` or `rejected` has a reason; one in state `succeeded` has none. */
function* reasonViolations(
  seen: Attributes,
  task: Recount | undefined,
  rejections: readonly { readonly cause: string }[],
): Iterable<string> {
  const state = String(seen["state"]);
  const reasons = seen["reasons"] as readonly string[];
  const name = `${seen["action"]} ${seen["key"]}@${seen["timestamp"]}`;
  if (state === "succeeded" && reasons.length > 0)
    return yield `REASON: ${name} succeeded and has the reason ${reasons[0]}`;
  if ((state === "failed" || state === "rejected") && (seen["reason"] === "" || reasons.length === 0))
    return yield `REASON: ${name} is ${state} without a reason`;
  if (state === "cancelled" && !reasons[0]?.startsWith(`Attempt ${seen["attempt"]} was cancelled`))
    return yield `REASON: ${name} is cancelled and has the reason ${reasons[0]}`;
  const causes = new Set<string>();
  if (state === "rejected") for (const { cause } of rejections) causes.add(cause);
  if (task !== undefined && (state === "failed" || state === "cancelled"))
    for (const { attempt, cause } of task.failures) if (attempt === task.attempt) causes.add(cause);
  if (causes.size === 0) return;
  // A full row keeps its first causes, which may be of segments that completed since.
  if ((seen["causes"] as readonly unknown[]).length >= CAUSES_MAX) return;
  const reason = String(seen["reason"]);
  // The first reason of a cancelled task says only that; those of segments that failed for another cause follow.
  const texts = state === "cancelled" ? reasons : [reason];
  const isKnown = [...causes].some((cause) => texts.some((text) => text.includes(cause)));
  if (!isKnown) yield `REASON: ${name} is ${state} for ${[...causes].join()} and has the reason "${reason}"`;
}

/** Each segment's record agrees with its events. */
function* recordViolations(task: Recount, row: TaskRow, { status }: Outcome, when: string): Iterable<string> {
  if (when !== "at the end") return;
  const records = new Map(
    status.records(`${attributesOf(row)["task-id"]}`).map((record) => [record.segment, record]),
  );
  for (const [segment, { batches, items, bytes }] of task.completed) {
    const record = records.get(segment);
    const same = record?.batches === batches && record.items === items && record.bytes === bytes;
    if (record?.state !== "completed" || !same)
      yield `RECORD: ${taskName(row)} segment ${segment} is ${JSON.stringify(record)}`;
  }
  for (const [segment, attempt] of task.attempts) {
    const record = records.get(segment);
    if (record === undefined) yield `RECORD: ${taskName(row)} segment ${segment} has no record`;
    else if (record.state !== "completed" && record.attempt < attempt)
      yield `RECORD: ${taskName(row)} segment ${segment} has attempt ${record.attempt}, its events have ${attempt}`;
  }
  for (const segment of currentFailures(task))
    if (records.get(segment)?.state !== "failed")
      yield `RECORD: ${taskName(row)} segment ${segment} failed and is ${records.get(segment)?.state}`;
}
