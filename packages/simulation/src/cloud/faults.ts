/**
 * Decides whether a fault happens now: by the scenario's rates, until the fault phase ends or the fault budget is used up.
 */
import type { RatedFaultName } from "../scenario/fault-rates.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Rng } from "./scheduler.ts";

export type Faults = ReturnType<typeof createFaults>;

export function createFaults(
  { faultRates, drawn, faultsMax }: Pick<Scenario, "faultRates" | "drawn" | "faultsMax">,
  rng: Rng,
) {
  /** How often each happened. */
  const counts: Record<string, number> = {};
  const drawnRates = drawn?.faultRates ?? faultRates;
  let left = faultsMax;
  return {
    counts,
    /** Whether this fault happens now. */
    occurs(name: RatedFaultName) {
      if (!rng.happens(drawnRates[name]) || left <= 0 || faultRates[name] === 0) return false;
      if (!UNBUDGETED.has(name)) left--;
      counts[name] = (counts[name] ?? 0) + 1;
      return true;
    },
    /** From now on no fault happens. */
    end() {
      left = 0;
    },
  };
}

/** Conditions that last, such as throttling or a clock that is off, do not count against the fault budget. */
const UNBUDGETED: ReadonlySet<RatedFaultName> = new Set([
  "clockSkew",
  "shortPage",
  "unprocessed",
  "itemAnswerLost",
  "throttledRead",
  "throttledWrite",
  "throttledStatus",
  "writeAtCursor",
  "stall",
  "slowPut",
]);
