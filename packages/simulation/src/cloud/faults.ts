/**
 * Whether something goes wrong here and now: by the weather's rates, while the storm lasts and the faults do.
 */
import type { FaultName, Weather } from "../scenario/weather.ts";
import type { Chance } from "./scheduler.ts";

export interface Faults {
  /** Whether this fault happens now. */
  strikes(name: FaultName): boolean;
  /** No more of them. */
  end(): void;
  /** How often each happened. */
  readonly counts: Readonly<Record<string, number>>;
}

export function createFaults(weather: Weather, faultsMax: number, chance: Chance): Faults {
  const counts: Record<string, number> = {};
  let left = faultsMax;
  return {
    strikes(name) {
      if (!chance.happens(weather[name]) || left <= 0) return false;
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
