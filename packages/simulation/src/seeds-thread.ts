/**
 * A thread that runs the seeds that it receives, with the selected faults of its `workerData`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { simulationWith } from "./mutants/loader.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";

/** A seed to run, with a mutant or without. */
export interface SeedRun {
  readonly seed: number;
  readonly mutantName?: string | undefined;
}

/** The result of a seed. */
export interface SeedResult extends SeedRun {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/** The result of a seed, or why the simulation could not be loaded. */
export type ThreadAnswer = SeedResult | { readonly loadError: string | undefined };

/** What a thread is started with. */
export interface SeedsThreadOptions {
  /** Which faults of the seeds may happen; default all. */
  readonly faults?: FaultSelection | undefined;
}

const { faults } = workerData as SeedsThreadOptions;

parentPort!.postMessage("ready");
parentPort!.on("message", async ({ seed, mutantName }: SeedRun) => {
  let simulation: Awaited<ReturnType<typeof simulationWith>>;
  try {
    simulation = await simulationWith(mutantName);
  } catch (error) {
    parentPort!.postMessage({ loadError: (error as Error).stack } satisfies ThreadAnswer);
    return;
  }
  // If this throws, the thread ends, and its parent receives the error.
  const { violations, counts } = await simulation.simulate(seed, { faults });
  parentPort!.postMessage({ seed, mutantName, violations, counts } satisfies ThreadAnswer);
});
