/**
 * A task that was requested or found: it can be awaited, followed, cancelled and retried.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isEnded } from "@ferry/core/projection/status";
import { ClientError } from "../client-error.ts";
import type { Stage } from "../stage/stage.ts";
import { cancelTask, retryTask } from "./controls.ts";
import { openProgressMeter, type TaskProgress } from "./progress.ts";
import { readSegments } from "./task-rows.ts";
import type { TaskStatus } from "./task-status.ts";

export interface WaitOptions {
  /** Stops waiting, not the task: then the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface TaskHandle {
  readonly requestId?: string;
  /** The task as it is now. Its state is `requested`, without an id, until Ferry answers. */
  status(): Promise<TaskStatus>;
  /**
   * Resolves when Ferry has accepted or rejected the request. ClientError `no-answer` after two minutes: a message of the
   * request may still be in a queue.
   */
  answered(options?: WaitOptions): Promise<TaskStatus>;
  /** Observations of the task until it has ended; the last one is of its end. */
  progress(options?: WaitOptions): AsyncIterable<TaskProgress>;
  /** Resolves with the task when it has ended, however it ended. */
  ended(options?: WaitOptions): Promise<TaskStatus>;
  /** Cancels the present attempt. */
  cancel(options?: WaitOptions): Promise<TaskStatus>;
  /** Begins the next attempt, which continues where the task stopped. */
  retry(options?: WaitOptions): Promise<TaskStatus>;
}

const POLL_MS = 1000;
/** The local host is on this machine, and its tasks are short. */
const LOCAL_POLL_MS = 200;
const ANSWER_MS_MAX = 120_000;

/** The handle of a task. `read` reads its row, or a status with the state `requested` before there is one. */
export function taskHandle(
  stage: Stage,
  read: () => Promise<TaskStatus>,
  requestId: string | undefined,
): TaskHandle {
  const pollMs = stage.access.local === undefined ? POLL_MS : LOCAL_POLL_MS;

  async function* progress({ signal }: WaitOptions = {}): AsyncGenerator<TaskProgress, void, void> {
    const meter = openProgressMeter();
    for (;;) {
      signal?.throwIfAborted();
      const task = await read();
      const segments = task.id === undefined ? [] : await readSegments(stage, task.id);
      yield meter(performance.now(), task, segments);
      if (isEnded(task.state)) return;
      await pause(pollMs, signal);
    }
  }

  async function until(met: (task: TaskStatus) => boolean, { signal }: WaitOptions, waitMsMax: number) {
    const end = performance.now() + waitMsMax;
    for (;;) {
      const task = await read();
      if (met(task)) return task;
      if (performance.now() > end) return undefined;
      await pause(pollMs, signal);
    }
  }

  return {
    ...(requestId !== undefined && { requestId }),
    status: read,
    async answered(options = {}) {
      const task = await until(({ state }) => state !== "requested", options, ANSWER_MS_MAX);
      if (task !== undefined) return task;
      throw new ClientError("failed", "no-answer", {
        message: `Ferry did not answer the request ${requestId} within ${ANSWER_MS_MAX / 1000} seconds.`,
        hint: "Run `ferry doctor`: a Pipe may be stopped, or the workers may be busy. The request stays valid: `ferry tasks` shows it later.",
      });
    },
    progress,
    async ended(options = {}) {
      return (await until(({ state }) => isEnded(state), options, Number.POSITIVE_INFINITY))!;
    },
    cancel: async (options = {}) =>
      cancelTask(stage, await read(), (met, waitMs) => until(met, options, waitMs)),
    retry: async (options = {}) =>
      retryTask(stage, await read(), (met, waitMs) => until(met, options, waitMs)),
  };
}

/** Rejects with the signal's reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
}
