/**
 * Whether something goes wrong here and now: by the fault rates's rates, while the storm lasts and the faults do.
 */
import type { FaultName, FaultRates } from "../scenario/fault-rates.ts";
import type { Rng } from "./scheduler.ts";

export interface Faults {
  /** Whether this fault happens now. */
  strikes(name: FaultName): boolean;
  /** No more of them. */
  end(): void;
  /** How often each happened. */
  readonly counts: Readonly<Record<string, number>>;
}

export function createFaults(faultRates: FaultRates, faultsMax: number, chance: Rng): Faults {
  const counts: Record<string, number> = {};
  let left = faultsMax;
  return {
    strikes(name) {
      if (!chance.happens(faultRates[name]) || left <= 0) return false;
      // Slow tables and clocks that are off wear nobody out.
      if (!LASTING.has(name)) left--;
      counts[name] = (counts[name] ?? 0) + 1;
      return true;
    },
    end() {
      left = 0;
    },
    counts,
  };
}

const LASTING: ReadonlySet<FaultName> = new Set([
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
