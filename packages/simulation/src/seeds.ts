/**
 * Runs seeds in as many threads as the machine has cores.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { SeedResult } from "./seeds-thread.ts";

export interface SeedsAbout {
  readonly from: number;
  readonly count: number;
  /** A plant's name. */
  readonly plantName?: string;
  /** How many threads; default one per core. */
  readonly threads?: number;
  /** Hears of each seed, as they come; true ends the run. */
  readonly done: (result: SeedResult) => boolean;
}

/** Runs the seeds; resolves when all are done, or `done` has ended it. A thread that dies rejects. */
export async function runSeeds(about: SeedsAbout): Promise<void> {
  const { from, count } = about;
  const threads = Math.min(about.threads ?? availableParallelism(), count);
  let next = from;
  let left = count;
  const workers: Worker[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      for (let n = 0; n < threads; n++) {
        const worker = new Worker(new URL("./seeds-thread.ts", import.meta.url), {
          workerData: about.plantName === undefined ? {} : { plantName: about.plantName },
        });
        workers.push(worker);
        const send = () => {
          if (next < from + count) worker.postMessage(next++);
        };
        worker.on("message", (result: SeedResult) => {
          left--;
          if (about.done(result) || left === 0) resolve();
          else send();
        });
        worker.on("error", reject);
        worker.on("exit", (code) =>
          reject(new Error(`a thread of the simulation ended by itself (${code})`)),
        );
        send();
      }
    });
  } finally {
    for (const worker of workers) worker.removeAllListeners("exit");
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
