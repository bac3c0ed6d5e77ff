/**
 * A retry: the next attempt of a task that failed, was cancelled or fell silent, for its unfinished segments. The archive
 * is its own journal, so a backup resumes where it ends; a restore where it said that it stood. With no segment left,
 * finishing itself is tried again. A task that lives after all is not harmed: its workers make way for the new attempt's.
 */
import { requireOwnPrefix } from "./backup/plan.ts";
import { permanent } from "./errors.ts";
import { type BackupPlan, type FerryEvent, type Resume, VERSION } from "./events.ts";
import type { Ports } from "./ports.ts";
import { stateOf } from "./projection/status.ts";
import type { Action } from "./task.ts";

/**
 * Accepts the task anew. `requestTimeMs`: when the retry was asked for. Permanent errors: `not-retryable`, and
 * `prefix-taken` of a backup whose prefix was wiped since.
 */
export async function retry(
  task: { readonly action: Action; readonly key: string; readonly timestamp: number; readonly id: string },
  requestTimeMs: number,
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
  if (task.action === "backup") await requireOwnPrefix(row.plan as BackupPlan, ports);
  const done = new Set(row.completed);
  const segments = Array.from({ length: row.total }, (_, segment) => segment).filter(
    (segment) => !done.has(segment),
  );
  return [
    {
      type: "TaskAccepted",
      detail: {
        version: VERSION,
        task: row.plan.task,
        plan: row.plan,
        attempt: row.attempt + 1,
        "deadline-ms": requestTimeMs + ports.settings.taskTimeoutMs,
        segments,
        ...(task.action === "restore" && { resume: row.partial as Readonly<Record<string, Resume>> }),
      },
    },
  ];
}
