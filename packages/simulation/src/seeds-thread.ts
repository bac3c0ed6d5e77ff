/**
 * A thread that runs the seeds it is sent, with the mutant it was given planted.
 */
import { parentPort, workerData } from "node:worker_threads";
import { mutants } from "./mutants/all.ts";
import { loadMutant } from "./mutants/loader.ts";

/** What a thread says of a seed. */
export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const { mutantName } = workerData as { mutantName?: string };
const planted =
  mutantName === undefined ? undefined : loadMutant(mutants.find(({ name }) => name === mutantName)!);
// Loaded only now: what is planted is planted before.
const { simulate } = await import("./simulate.ts");
planted?.();

parentPort!.postMessage("ready");
parentPort!.on("message", async (seed: number) => {
  // Where this throws, the thread dies of it, and who started it hears why.
  const { violations, counts } = await simulate(seed);
  parentPort!.postMessage({ seed, violations, counts } satisfies SeedResult);
});
