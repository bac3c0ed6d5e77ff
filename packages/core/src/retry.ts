/**
 * A retry: the next attempt of a task that failed, was cancelled or fell silent, for its unfinished segments. The archive
 * is its own journal, so a backup resumes where it ends; a restore where it said that it stood. With no segment left,
 * finishing itself is tried again. A task that lives after all is not harmed: its workers make way for the new attempt's.
 *
 * A retry begins one attempt, however often it is delivered. Its number does not come from the row alone: the projector
 * may lag behind attempts that were begun and have failed.
 */
import { requireOwnPrefix } from "./archive/task-file.ts";
import { type Control, readControl } from "./control.ts";
import { FerryError, permanent } from "./errors.ts";
import {
  type BackupPlan,
  type BusEvent,
  type FerryEvent,
  type RestorePlan,
  type Resume,
  VERSION,
} from "./events.ts";
import { failure } from "./failure.ts";
import type { Ports } from "./ports.ts";
import { stateOf, type TaskRow } from "./projection/status.ts";
import { takeLease } from "./restore/lease.ts";
import { rowName } from "./task.ts";
import { msOf } from "./time.ts";

/**
 * Accepts the task anew, as `event` asks; says nothing where the attempt that it asks for has begun. A backup whose prefix
 * was wiped since, or is another's, can never go on: its present attempt fails for that (`prefix-taken`), or one that fell
 * silent would be said to run for ever. Permanent errors: `invalid-request`, `not-retryable`; of a restore also
 * `table-leased` and `window-out-of-order`.
 */
export async function retry(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const asked = readControl(event);
  const row = await ports.status.read(asked.task);
  if (row?.plan === undefined || !row.accepted) throw neverAccepted(asked, row);
  const { plan } = row;
  const { task } = plan;
  const highest = await ports.registry.raiseAttempt(task, row.attempt);
  const next = await nextAttempt(asked, row, highest, event.id, ports);
  // Delivered again, or another retry was asked for at the same time.
  if (row.attempt >= next) return [];
  if (stateOf(row) === "succeeded") throw notRetryable(asked, "the task is succeeded");
  const accepted = { version: VERSION, task, plan, attempt: next } as const;
  try {
    if (task.action === "backup") await requireOwnPrefix(plan as BackupPlan, ports);
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== "prefix-taken") throw error;
    return [failure("TaskStepFailed", { ...event, detail: { ...accepted, attempt: next - 1 } }, error)];
  }
  if ((await ports.registry.raiseAttempt(task, next)) > next) return [];
  const deadlineMs = msOf(event.time) + ports.settings.taskTimeoutMs;
  // Another restore may have taken the table since.
  if (task.action === "restore")
    await takeLease(
      { plan: plan as RestorePlan, attempt: next, deadlineMs, isWriting: unfinished(row).length > 0 },
      ports,
    );
  return [acceptedAgain(row, plan, next, unfinished(row), deadlineMs)];
}

/**
 * The attempt that the retry begins: the one after that which it names; where it names none, the one after the highest
 * that there was when it was first delivered.
 */
async function nextAttempt(
  asked: Control,
  row: TaskRow,
  highest: number,
  eventId: string,
  { registry }: Ports,
): Promise<number> {
  if (asked.attempt === undefined) return registry.recordRetry(row.plan!.task, eventId, highest + 1);
  if (asked.attempt > highest)
    throw notRetryable(
      asked,
      `the task has had ${highest} attempts, and the retry names attempt ${asked.attempt}`,
    );
  return asked.attempt + 1;
}

/** The event that the task goes on with these segments, in this attempt. */
export function acceptedAgain(
  row: TaskRow,
  plan: NonNullable<TaskRow["plan"]>,
  attempt: number,
  segments: readonly number[],
  deadlineMs: number,
): FerryEvent {
  return {
    type: "TaskAccepted",
    detail: {
      version: VERSION,
      task: plan.task,
      plan,
      attempt,
      "deadline-ms": deadlineMs,
      segments,
      ...(row.action === "restore" && { resume: row.segmentCheckpoints as Readonly<Record<string, Resume>> }),
    },
  };
}

/** The segments that are not complete, ascending. */
export function unfinished(row: TaskRow): number[] {
  const done = new Set(row.completed);
  return Array.from({ length: row.total }, (_, segment) => segment).filter((segment) => !done.has(segment));
}

function neverAccepted(asked: Control, row: TaskRow | undefined): FerryError {
  return notRetryable(asked, row === undefined ? "there is no such task" : `the task is ${stateOf(row)}`);
}

function notRetryable({ task }: Control, why: string): FerryError {
  return permanent("not-retryable", {
    operation: "retry",
    resource: rowName(task),
    message: `${why}; only one that was accepted and has not succeeded can be retried.`,
    hint: "Take key, timestamp and action from the task's row in the status table; where it was never accepted, ask anew.",
  });
}
