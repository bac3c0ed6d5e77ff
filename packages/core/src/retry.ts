/**
 * A retry: the next attempt of a task that failed or was cancelled, for its unfinished segments. The archive is its
 * own journal, so they resume where it ends; with no segment left, finishing itself is tried again.
 */
import { permanent } from "./errors.ts";
import { type FerryEvent, VERSION } from "./events.ts";
import type { Ports } from "./ports.ts";
import { stateOf } from "./projection/status.ts";
import type { Action } from "./task.ts";

/** Accepts the task anew. `requestTimeMs`: when the retry was asked for. Permanent error: `not-retryable`. */
export async function retry(
  task: { readonly action: Action; readonly key: string; readonly timestamp: number; readonly id: string },
  requestTimeMs: number,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const row = await ports.status.read(task);
  const state = row === undefined ? "unknown" : stateOf(row);
  if (row?.plan === undefined || (state !== "failed" && state !== "cancelled"))
    throw permanent("not-retryable", {
      operation: "retry",
      resource: task.id,
      message: `the task is ${state}; only a failed or cancelled one can be retried.`,
      hint: "Take key, timestamp and action from the task's row in the status table.",
    });
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
      },
    },
  ];
}
