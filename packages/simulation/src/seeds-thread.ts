/**
 * A thread that runs the seeds that it receives, with the selected faults of its `workerData`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { mutants } from "./mutants/all.ts";
import { importMutated } from "./mutants/loader.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";

/** A seed to run, with a mutant or without. */
export interface SeedRun {
  readonly seed: number;
  readonly mutantName?: string;
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
  readonly faults?: FaultSelection;
}

type Simulation = typeof import("./simulate.ts");

const { faults } = workerData as SeedsThreadOptions;
let loaded: { readonly mutantName: string | undefined; readonly simulation: Simulation } | undefined;

/** The simulation, with the mutant. */
async function simulationWith(mutantName: string | undefined): Promise<Simulation> {
  if (loaded !== undefined && loaded.mutantName === mutantName) return loaded.simulation;
  const mutant = mutants.find(({ name }) => name === mutantName);
  if (mutantName !== undefined && mutant === undefined) throw new Error(`no mutant is named ${mutantName}`);
  const simulation =
    mutant === undefined
      ? await import("./simulate.ts")
      : await importMutated<Simulation>(mutant, import.meta.resolve("./simulate.ts"));
  loaded = { mutantName, simulation };
  return simulation;
}

parentPort!.postMessage("ready");
parentPort!.on("message", async ({ seed, mutantName }: SeedRun) => {
  let simulation: Simulation;
  try {
    simulation = await simulationWith(mutantName);
  } catch (error) {
    parentPort!.postMessage({ loadError: (error as Error).stack } satisfies ThreadAnswer);
    return;
  }
  // If this throws, the thread ends, and its parent receives the error.
  const { violations, counts } = await simulation.simulate(seed, faults === undefined ? {} : { faults });
  parentPort!.postMessage({
    seed,
    ...(mutantName !== undefined && { mutantName }),
    violations,
    counts,
  } satisfies ThreadAnswer);
});
