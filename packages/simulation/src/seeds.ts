/**
 * Runs seeds in several threads.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult, SeedsThreadOptions } from "./seeds-thread.ts";

export interface RunSeedsOptions extends SeedsThreadOptions {
  readonly from: number;
  readonly count: number;
  /** The number of threads; default one per core. */
  readonly threads?: number;
  /** The time limit of a seed, ms of real time: far above what a seed needs. Default two minutes. */
  readonly seedMsMax?: number;
  /** The program of the threads, which posts a message once it is ready for seeds; default the simulation. */
  readonly program?: URL;
  /** Receives the result of each seed; true ends the run. */
  readonly done: (result: SeedResult) => boolean;
}

const SEED_MS_MAX = 120_000;

/**
 * Runs the seeds; resolves when all are done, or when `done` has ended the run. A seed that crashes its thread or exceeds
 * the time limit has a violation, and the other seeds continue in a new thread. Throws if a thread cannot start, for
 * instance because the text that a mutant replaces is not found.
 */
export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  const { from, count, program = new URL("./seeds-thread.ts", import.meta.url) } = options;
  const { mutantName, faults } = options;
  const workerData: SeedsThreadOptions = {
    ...(mutantName !== undefined && { mutantName }),
    ...(faults !== undefined && { faults }),
  };
  const ending = new AbortController();
  let next = from;

  async function open(): Promise<Worker> {
    const thread = new Worker(program, { workerData });
    await once(thread, "message");
    return thread;
  }

  async function runThread(): Promise<void> {
    let thread = await open();
    while (next < from + count && !ending.signal.aborted) {
      const seed = next++;
      let result: SeedResult;
      try {
        result = await resultOf(thread, seed, options.seedMsMax ?? SEED_MS_MAX, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) break;
        result = { seed, violations: [describeError(error)], counts: {} };
        await thread.terminate();
        thread = await open();
      }
      if (options.done(result)) ending.abort();
    }
    await thread.terminate();
  }

  const threads = Math.min(options.threads ?? availableParallelism(), count);
  try {
    await Promise.all(Array.from({ length: threads }, runThread));
  } finally {
    ending.abort();
  }
}

/** A thread's result. Throws the error that ended the thread, or an `AbortError` after the time limit. */
async function resultOf(
  thread: Worker,
  seed: number,
  msMax: number,
  ending: AbortSignal,
): Promise<SeedResult> {
  const answer = once(thread, "message", { signal: AbortSignal.any([ending, AbortSignal.timeout(msMax)]) });
  thread.postMessage(seed);
  const [result] = await answer;
  return result;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `CRASHED: ${String(error)}`;
  return error.name === "AbortError"
    ? "ENDLESS: one step never ends, or the seed exceeds its time limit"
    : `CRASHED: ${error.stack ?? error.message}`;
}
