/**
 * The time in which faults happen and operators, callers and applications disturb the tasks. No fault happens after it.
 */
import type { Rng, Scheduler } from "../cloud/scheduler.ts";

export interface FaultPhase {
  /** Does something at a random moment of the phase; not at all if the phase has ended by then. */
  schedule(act: () => void): void;
  end(): void;
  isOver(): boolean;
}

const MOMENT_MS_MIN = 100;

/** Most tasks are short: a moment is as likely in the first second of the phase as in its last minutes. */
export function createFaultPhase(durationMs: number, scheduler: Scheduler, rng: Rng): FaultPhase {
  let isOver = false;
  return {
    schedule(act) {
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
