/**
 * A retry begins the next attempt of a task that failed, was cancelled or stalled, for its unfinished segments. A backup
 * resumes after the last file in its archive, a restore from its reported checkpoints. If all segments are complete, only
 * the last step runs again. A retry does not harm a task that still runs: its workers stop for those of the new attempt.
 *
 * A retry begins one attempt, even if it is delivered several times. The attempt's number does not come from the row
 * alone, because the projector may lag behind attempts that began and failed.
 */

import { requireOwnPrefix } from "../archive/task-file.ts";
import { FerryError, permanent } from "../errors/errors.ts";
import { type BusEvent, type FerryEvent, isBackup, type Resume, VERSION } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { stateOf, type TaskRow } from "../projection/status.ts";
import { taskAccepted } from "../request/accepted.ts";
import { rowName } from "../request/task.ts";
import { takeLease } from "../restore/lease.ts";
import { currentWindow, isSeries, segmentsOf } from "../restore/windows.ts";
import { failure } from "../segment/failure.ts";
import { msOf } from "../time.ts";
import { type Control, readControl } from "./control.ts";

/**
 * Accepts the task for its next attempt. Returns no events if the requested attempt has already begun. A backup cannot
 * continue if its prefix was wiped or belongs to another task: its present attempt fails (`prefix-taken`), since a stalled
 * attempt would otherwise stay `running` forever. So does that of a restore whose request was also rejected, if its table was
 * used since (`table-used`). Permanent errors: `invalid-request`, `not-retryable`; for a restore also `table-leased`,
 * `table-used` and `window-out-of-order`.
 */
export async function retry(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const control = readControl(event);
  const row = await ports.status.read(control.task);
  if (row?.plan === undefined || !row.accepted) throw neverAccepted(control, row);
  const { plan } = row;
  const { task } = plan;
  const highest = await ports.registry.raiseAttempt(task, row.attempt);
  const next = await nextAttempt(control, highest, event.id, ports);
  // A redelivery, or a concurrent retry began this attempt.
  if (row.attempt >= next) return [];
  if (stateOf(row) === "succeeded") throw notRetryable(control, "The task has succeeded.");
  const present = { ...event, detail: { version: VERSION, task, plan, attempt: next - 1 } };
  try {
    if (isBackup(plan)) await requireOwnPrefix(plan, ports);
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== "prefix-taken") throw error;
    return [failure("TaskStepFailed", present, error)];
  }
  if ((await ports.registry.raiseAttempt(task, next)) > next) return [];
  const deadlineMs = msOf(event.time) + ports.settings.taskTimeoutMs;
  // Another restore may have taken the table's lease since the last attempt.
  try {
    if (!isBackup(plan))
      await takeLease({ plan, attempt: next, deadlineMs, isWriting: unfinished(row).length > 0 }, ports);
  } catch (error) {
    // The row was deleted, and its request was delivered again and rejected: no worker continues the present attempt.
    if (!(error instanceof FerryError) || error.code !== "table-used" || !row.rejected) throw error;
    return [failure("TaskStepFailed", present, error)];
  }
  return [acceptedAgain(row, plan, next, unfinished(row), deadlineMs)];
}

/**
 * The attempt that the retry begins: the one after the attempt that it names. If it names none, the one after the highest
 * attempt at its first delivery.
 */
async function nextAttempt(
  control: Control,
  highest: number,
  eventId: string,
  { registry }: Ports,
): Promise<number> {
  if (control.attempt === undefined) return registry.recordControl(control.task, eventId, highest + 1);
  if (control.attempt > highest)
    throw notRetryable(
      control,
      `The task has had ${highest} attempts, but the retry names attempt ${control.attempt}.`,
    );
  return control.attempt + 1;
}

/** The event by which the task continues with these segments, in this attempt. */
export function acceptedAgain(
  row: TaskRow,
  plan: NonNullable<TaskRow["plan"]>,
  attempt: number,
  segments: readonly number[],
  deadlineMs: number,
): FerryEvent {
  const resume = row.segmentCheckpoints as Readonly<Record<string, Resume>>;
  return taskAccepted(plan, attempt, deadlineMs, segments, row.action === "restore" ? resume : undefined);
}

/** The segments of the current window that are not complete, ascending. Unless the task restores a series, that are all. */
export function unfinished({ plan, completed, total }: TaskRow): number[] {
  const done = new Set(completed);
  const isOfSeries = plan !== undefined && isSeries(plan);
  const window = isOfSeries ? currentWindow(plan, completed) : { index: 0, first: 0, segments: total };
  return segmentsOf(window).filter((segment) => !done.has(segment));
}

function neverAccepted(control: Control, row: TaskRow | undefined): FerryError {
  return notRetryable(control, row === undefined ? "There is no such task." : `The task is ${stateOf(row)}.`);
}

function notRetryable({ task }: Control, reason: string): FerryError {
  return permanent("not-retryable", {
    operation: "retry",
    resource: rowName(task),
    message: `${reason} Only a task that was accepted and has not succeeded can be retried.`,
    hint: "Take key, timestamp and action from the task's row in the status table. If the task was never accepted, send a new request.",
  });
}
