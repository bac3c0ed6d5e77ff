/**
 * Keeping to a ceiling, and backing off.
 */
import type { Time } from "./ports.ts";

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 10_000;

/** How long to wait before try `tries` + 1, ms: exponential with full jitter. Source: AWS, "Exponential backoff and jitter". */
export function backoffMs(tries: number, random: () => number): number {
  return BACKOFF_MS_MIN + random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tries + 1));
}

export interface Pacer {
  /** Waits until the next call may go; tells whether there is time left for it. */
  ready(): Promise<boolean>;
  /** Counts capacity units that a call consumed. */
  spend(units: number): void;
  /** Waits that long, ms, before the next call. */
  pause(ms: number): void;
}

/** Keeps to `unitsPerSecond` (absent: no ceiling) until `untilMs`, ms since 1970. */
export function pacer(unitsPerSecond: number | undefined, untilMs: number, time: Time): Pacer {
  let notBefore = time.now();
  return {
    async ready() {
      const now = time.now();
      const wait = Math.min(notBefore, untilMs) - now;
      if (wait > 0) await time.sleep(wait);
      return time.now() < untilMs;
    },
    spend(units) {
      if (unitsPerSecond === undefined) return;
      notBefore = Math.max(notBefore, time.now()) + (units / unitsPerSecond) * 1000;
    },
    pause(ms) {
      notBefore = Math.max(notBefore, time.now() + ms);
    },
  };
}
