/**
 * Cancel and retry: what can be refused without asking is refused at once; otherwise the row answers.
 */
import { ClientError } from "../client-error.ts";
import { putEvent } from "../events/events.ts";
import type { Stage } from "../stage/stage.ts";
import type { TaskStatus } from "./task-status.ts";

/** Waits until the row meets a condition; undefined after `waitMs`. */
type Until = (met: (task: TaskStatus) => boolean, waitMs: number) => Promise<TaskStatus | undefined>;

/** An answer takes a few seconds. A task's row may be behind a queue of facts. */
const ANSWER_MS_MAX = 60_000;

/**
 * Cancels the attempt that is the present one when the event arrives. Resolves when the row shows it: its state is
 * `cancelling`, `cancelled`, or an end that came first. ClientErrors `not-cancellable`, `no-answer`.
 */
export async function cancelTask(stage: Stage, task: TaskStatus, until: Until): Promise<TaskStatus> {
  if (task.state !== "running" && task.state !== "cancelling")
    throw new ClientError("refused", "not-cancellable", {
      message: `The task is ${task.state}: only a running task can be cancelled.`,
      hint:
        task.state === "finishing"
          ? "All its segments are complete; it ends within minutes."
          : task.state === "requested"
            ? "Ferry has not accepted it yet: try again in a moment."
            : "There is nothing to do.",
    });
  await putEvent(stage, "TaskCancelRequested", { task: referenceOf(task) });
  const answer = await until(({ state }) => state !== "running", ANSWER_MS_MAX);
  return answer ?? noAnswer("cancel", task);
}

/**
 * Begins the next attempt. Resolves when the row shows it. ClientErrors `not-retryable`, `no-answer`: Ferry also refuses a
 * retry for reasons that only it knows, such as another restore's lease.
 */
export async function retryTask(stage: Stage, task: TaskStatus, until: Until): Promise<TaskStatus> {
  if (task.state === "succeeded" || task.state === "rejected" || task.state === "requested")
    throw new ClientError("refused", "not-retryable", {
      message: `The task is ${task.state}: only a task that was accepted and has not succeeded can be retried.`,
      hint: task.state === "succeeded" ? "There is nothing to do." : "Send a new request.",
    });
  await putEvent(stage, "TaskRetryRequested", { task: referenceOf(task), attempt: task.attempt });
  const answer = await until(
    ({ attempt, state }) => attempt > task.attempt || state === "succeeded",
    ANSWER_MS_MAX,
  );
  return answer ?? noAnswer("retry", task);
}

function referenceOf({ id, action, key, timestamp }: TaskStatus): object {
  return { action, key, timestamp, ...(id !== undefined && { id }) };
}

function noAnswer(control: string, { id }: TaskStatus): never {
  throw new ClientError("failed", "no-answer", {
    message: `Ferry did not answer the ${control} of ${id} within ${ANSWER_MS_MAX / 1000} seconds.`,
    hint: "A refusal is a TaskControlRefused event on the bus. If there is none, run `ferry doctor`.",
  });
}
