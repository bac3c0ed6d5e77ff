/**
 * A thread that runs the seeds that it receives, with the mutant and the selected faults of its `workerData`.
 */
import { parentPort, workerData } from "node:worker_threads";
import { mutants } from "./mutants/all.ts";
import { loadMutant } from "./mutants/loader.ts";
import type { FaultSelection } from "./scenario/select-faults.ts";

/** The result of a seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/** What a thread is started with. */
export interface SeedsThreadOptions {
  /** The mutant to load. */
  readonly mutantName?: string;
  /** Which faults of the seeds may happen; default all. */
  readonly faults?: FaultSelection;
}

const { mutantName, faults } = workerData as SeedsThreadOptions;
const assertLoaded =
  mutantName === undefined ? undefined : loadMutant(mutants.find(({ name }) => name === mutantName)!);
// Imported only now: the mutant must be installed first.
const { simulate } = await import("./simulate.ts");
assertLoaded?.();

parentPort!.postMessage("ready");
parentPort!.on("message", async (seed: number) => {
  // If this throws, the thread ends, and its parent receives the error.
  const { violations, counts } = await simulate(seed, faults === undefined ? {} : { faults });
  parentPort!.postMessage({ seed, violations, counts } satisfies SeedResult);
});
