/**
 * The fault phase: the first requests are put, faults happen, and operators, callers and applications disturb the tasks.
 */
import { START_MS } from "@ferry/memory/time";
import { runUntilIdle } from "./run-until-idle.ts";
import type { Simulation } from "./set-up.ts";

/** No run comes near. */
const STEPS_MAX = 1_000_000;
/** A task that has not begun by then never begins, ms. */
const BEGIN_MS_MAX = 4 * 3_600_000;

/** Returns whether the run stayed within its steps. */
export function faultPhase({ scenario, scheduler, operations }: Simulation): Promise<boolean> {
  operations.begin();
  const beganMs = () => operations.startedMs() ?? START_MS + BEGIN_MS_MAX;
  return runUntilIdle(scheduler, STEPS_MAX, () => beganMs() + scenario.faultPhaseMs);
}
