/**
 * An operator retries every task that neither succeeded nor was rejected.
 */
import { IDLE_STEPS_MAX, runUntilIdle } from "./run-until-idle.ts";
import type { Simulation } from "./set-up.ts";

/** An attempt may be shorter than its task: such a task is retried again, this often at most. */
const ROUNDS_MAX = 40;

/** Returns whether the run became idle, and the number of retries. */
export async function retryAll({ scheduler, operations, log }: Simulation) {
  let isIdle = true;
  let retries = 0;
  for (let round = 0; isIdle && round < ROUNDS_MAX; round++) {
    log(() => "every task that did not succeed is retried");
    const retried = operations.retryAll(round > 0);
    if (retried === 0) break;
    retries += retried;
    isIdle = await runUntilIdle(scheduler, IDLE_STEPS_MAX);
  }
  return { isIdle, retries };
}
