/**
 * Runs seeds in as many threads as the machine has cores.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult } from "./seeds-thread.ts";

export interface SeedsAbout {
  readonly from: number;
  readonly count: number;
  /** A mutant's name. */
  readonly mutantName?: string;
  /** How many threads; default one per core. */
  readonly threads?: number;
  /** How long a seed may take, ms of real time: no healthy one comes near. Default two minutes. */
  readonly seedMsMax?: number;
  /** What the threads run, which says something once it is ready for seeds; default the simulation. */
  readonly program?: URL;
  /** Hears of each seed, as they come; true ends the run. */
  readonly done: (result: SeedResult) => boolean;
}

const SEED_MS_MAX = 120_000;

/**
 * Runs the seeds; resolves when all are done, or `done` has ended it. A seed that throws where nobody listens, or that
 * never gives way, costs its thread: that is a violation of this seed, and the others go on in a new one. Throws what
 * keeps a thread from beginning at all, for instance a mutant whose place is not found.
 */
export async function runSeeds(about: SeedsAbout): Promise<void> {
  const { from, count, program = new URL("./seeds-thread.ts", import.meta.url) } = about;
  const workerData = about.mutantName === undefined ? {} : { mutantName: about.mutantName };
  const ending = new AbortController();
  let next = from;

  async function open(): Promise<Worker> {
    const thread = new Worker(program, { workerData });
    await once(thread, "message");
    return thread;
  }

  async function place(): Promise<void> {
    let thread = await open();
    while (next < from + count && !ending.signal.aborted) {
      const seed = next++;
      let result: SeedResult;
      try {
        result = await ask(thread, seed, about.seedMsMax ?? SEED_MS_MAX, ending.signal);
      } catch (error) {
        if (ending.signal.aborted) break;
        result = { seed, violations: [inWords(error)], counts: {} };
        await thread.terminate();
        thread = await open();
      }
      if (about.done(result)) ending.abort();
    }
    await thread.terminate();
  }

  const places = Math.min(about.threads ?? availableParallelism(), count);
  try {
    await Promise.all(Array.from({ length: places }, place));
  } finally {
    ending.abort();
  }
}

/** A thread's answer. Throws what the thread died of, or an `AbortError` where it is too late. */
async function ask(thread: Worker, seed: number, msMax: number, ending: AbortSignal): Promise<SeedResult> {
  const answer = once(thread, "message", { signal: AbortSignal.any([ending, AbortSignal.timeout(msMax)]) });
  thread.postMessage(seed);
  const [result] = await answer;
  return result;
}

function inWords(error: unknown): string {
  if (!(error instanceof Error)) return `CRASHED: ${String(error)}`;
  return error.name === "AbortError"
    ? "ENDLESS: it goes round and round in one step, or takes far too long"
    : `CRASHED: ${error.stack ?? error.message}`;
}
