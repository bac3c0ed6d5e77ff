/**
 * The time in which faults happen and operators, callers and applications disturb the tasks. No fault happens after it.
 */
import type { Rng, Scheduler } from "../cloud/scheduler.ts";

export type FaultPhase = ReturnType<typeof createFaultPhase>;

const MOMENT_MS_MIN = 100;

/** Most tasks are short: a moment is as likely in the first second of the phase as in its last minutes. */
export function createFaultPhase(durationMs: number, scheduler: Scheduler, rng: Rng) {
  let isOver = false;
  return {
    /** Does something so many times, each at a random moment of the phase; not if the phase has ended by then. */
    schedule(times: number, act: () => void) {
      for (let i = 0; i < times; i++)
        scheduler.after(rng.magnitude(MOMENT_MS_MIN, durationMs), () => {
          if (!isOver) act();
        });
    },
    end() {
      isOver = true;
    },
    isOver: () => isOver,
  };
}
