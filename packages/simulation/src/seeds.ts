/**
 * Runs seeds in several threads.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult, SeedRun, SeedsThreadOptions, ThreadAnswer } from "./seeds-thread.ts";

export interface RunSeedsOptions extends SeedsThreadOptions {
  readonly runs: Iterable<SeedRun>;
  /** The number of threads; default one per core. */
  readonly threads?: number;
  /** A seed's time limit, ms of real time: far above what it needs, also on a busy machine. Default ten minutes for each. */
  readonly seedMsMaxOf?: (seed: number) => number;
  /** The program of the threads, which posts a message once it is ready for seeds; default the simulation. */
  readonly program?: URL;
  /** Receives the result of each seed; true ends the run. */
  readonly done: (result: SeedResult) => boolean;
}

const SEED_MS_MAX = 600_000;

/** The seeds from one on, all with the same mutant or without one. */
export function seedsFrom(from: number, count: number, mutantName?: string): SeedRun[] {
  return Array.from({ length: count }, (_, n) => ({ seed: from + n, mutantName }));
}

/**
 * Runs the seeds; resolves when all are done, or when `done` has ended the run. A seed that crashes its thread or exceeds
 * the time limit has a violation, and the other seeds continue in a new thread. Throws if the simulation cannot be loaded,
 * for instance because the text that a mutant replaces is not found.
 */
export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  const { runs, faults, program = new URL("./seeds-thread.ts", import.meta.url) } = options;
  const { seedMsMaxOf = () => SEED_MS_MAX } = options;
  const workerData: SeedsThreadOptions = { faults };
  const ending = new AbortController();
  const rest = runs[Symbol.iterator]();

  async function open(): Promise<Worker> {
    const thread = new Worker(program, { workerData });
    await once(thread, "message");
    return thread;
  }

  async function runThread(): Promise<void> {
    let thread: Worker | undefined;
    for (let run = rest.next(); run.done !== true && !ending.signal.aborted; run = rest.next()) {
      thread ??= await open();
      let answer: ThreadAnswer;
      try {
        answer = await answerOf(thread, run.value, seedMsMaxOf(run.value.seed), ending.signal);
      } catch (error) {
        if (ending.signal.aborted) break;
        answer = { ...run.value, violations: [describeError(error)], counts: {} };
        await thread.terminate();
        thread = undefined;
      }
      if ("loadError" in answer) throw new Error(answer.loadError);
      if (options.done(answer)) ending.abort();
    }
    await thread?.terminate();
  }

  const threads = options.threads ?? availableParallelism();
  try {
    await Promise.all(Array.from({ length: threads }, runThread));
  } finally {
    ending.abort();
  }
}

/** A thread's answer. Throws the error that ended the thread, or an `AbortError` after the time limit. */
async function answerOf(
  thread: Worker,
  run: SeedRun,
  msMax: number,
  ending: AbortSignal,
): Promise<ThreadAnswer> {
  const answer = once(thread, "message", { signal: AbortSignal.any([ending, AbortSignal.timeout(msMax)]) });
  thread.postMessage(run);
  const [message] = await answer;
  return message;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `CRASHED: ${String(error)}`;
  return error.name === "AbortError"
    ? "ENDLESS: one step never ends, or the seed exceeds its time limit"
    : `CRASHED: ${error.stack ?? error.message}`;
}
