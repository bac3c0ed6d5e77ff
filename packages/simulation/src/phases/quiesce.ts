/**
 * The faults end, and all work that is in progress or in a queue runs to its end. Then an operator redrives the dead
 * letters.
 */
import { IDLE_STEPS_MAX, runUntilIdle } from "./run-until-idle.ts";
import type { Simulation } from "./set-up.ts";

/** Returns whether the run became idle. */
export async function quiesce(simulation: Simulation): Promise<boolean> {
  const { scheduler, faults, faultPhase, outages, operations, queues, log } = simulation;
  faults.end();
  faultPhase.end();
  outages.end();
  operations.actors.quiesce();
  log(() => "the fault phase is over");
  if (!(await runUntilIdle(scheduler, IDLE_STEPS_MAX))) return false;
  queues.redrive();
  return runUntilIdle(scheduler, IDLE_STEPS_MAX);
}
