/**
 * Runs until nothing is scheduled any more.
 */
import type { Scheduler } from "../cloud/scheduler.ts";

/** Steps within which a run must become idle once no fault happens. */
export const IDLE_STEPS_MAX = 300_000;

/** Returns false if the run is not idle after so many steps. Stops earlier at `untilMs`, ms since 1970. */
export async function runUntilIdle(
  scheduler: Scheduler,
  stepsMax: number,
  untilMs: () => number = () => Number.POSITIVE_INFINITY,
): Promise<boolean> {
  for (let steps = 0; scheduler.now() < untilMs(); steps++) {
    if (steps > stepsMax) return false;
    if (!(await scheduler.step())) return true;
  }
  return true;
}
