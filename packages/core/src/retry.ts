/**
 * A retry: the next attempt of a task that failed, was cancelled or fell silent, for its unfinished segments. The archive
 * is its own journal, so a backup resumes where it ends; a restore where it said that it stood. With no segment left,
 * finishing itself is tried again. A task that lives after all is not harmed: its workers make way for the new attempt's.
 */
import { requireOwnPrefix } from "./backup/plan.ts";
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
import { stateOf } from "./projection/status.ts";
import { takeLease } from "./restore/lease.ts";
import type { Action } from "./task.ts";
import { msOf } from "./time.ts";

/**
 * Accepts the task anew, as `event` asks. A backup whose prefix was wiped since, or is another's, can never go on: its
 * present attempt fails for that (`prefix-taken`), or one that fell silent would be said to run for ever. Permanent errors:
 * `not-retryable`; of a restore also `table-leased` and `window-out-of-order`.
 */
export async function retry(
  task: { readonly action: Action; readonly key: string; readonly timestamp: number; readonly id: string },
  event: BusEvent,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const row = await ports.status.read(task);
  const state = row === undefined ? "unknown" : stateOf(row);
  if (row?.plan === undefined || state === "succeeded" || state === "rejected")
    throw permanent("not-retryable", {
      operation: "retry",
      resource: task.id,
      message: `the task is ${state}; only one that was accepted and has not succeeded can be retried.`,
      hint: "Take key, timestamp and action from the task's row in the status table; where it was never accepted, ask anew.",
    });
  const { plan, attempt } = row;
  const accepted = { version: VERSION, task: plan.task, plan, attempt } as const;
  try {
    if (task.action === "backup") await requireOwnPrefix(plan as BackupPlan, ports);
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== "prefix-taken") throw error;
    return [failure("TaskStepFailed", { ...event, detail: accepted }, error)];
  }
  const deadlineMs = msOf(event.time) + ports.settings.taskTimeoutMs;
  // Another restore may have taken the table since.
  if (task.action === "restore")
    await takeLease({ plan: plan as RestorePlan, attempt: attempt + 1, deadlineMs }, ports);
  const done = new Set(row.completed);
  const segments = Array.from({ length: row.total }, (_, segment) => segment).filter(
    (segment) => !done.has(segment),
  );
  return [
    {
      type: "TaskAccepted",
      detail: {
        ...accepted,
        attempt: attempt + 1,
        "deadline-ms": deadlineMs,
        segments,
        ...(task.action === "restore" && { resume: row.partial as Readonly<Record<string, Resume>> }),
      },
    },
  ];
}
