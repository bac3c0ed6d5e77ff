/**
 * Decides when the next call on a table may start: after any throttling pause, and within a reservation of the task's
 * ceiling.
 */

import type { CancellationCheck } from "../control/cancellation.ts";
import type { RateLimiter, Time } from "../ports.ts";
import type { TaskRef } from "../request/task.ts";
import type { Consumed } from "../segment/usage.ts";

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 10_000;

/**
 * The reservable share of a ceiling. The rest absorbs reservations that are used late, so that no ten seconds exceed the
 * ceiling.
 */
const RESERVED_SHARE = 0.93;
/**
 * The longest span that a worker reserves at once, beyond a single call. It must be used within the same time, or it is
 * lost.
 */
const RESERVATION_MS = 250;
/** A worker also reserves at most this share of the units it has used so far, so that little is left unused. */
const RESERVATION_SHARE = 1 / 8;
/** The longest wait if the timeline is reserved beyond this slice's end, ms. */
const FULLY_RESERVED_WAIT_MS = 5000;

/**
 * How many times one call on a table's items is tried before its transient error is thrown. The clients of these calls
 * make one try per call, so that each try is charged to the ceiling.
 */
export const TRIES_MAX = 4;

/** How long to wait before try `tries` + 1, ms: exponential with full jitter. Source: AWS, "Exponential backoff and jitter". */
export function backoffMs(tries: number, random: () => number): number {
  return BACKOFF_MS_MIN + random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tries + 1));
}

export interface Pacer {
  /** The most capacity units that one call should consume; infinite without a ceiling. */
  readonly callUnitsMax: number;
  /** Waits until `units` are reserved. False if the slice's time ends first, or the segment is no longer needed. */
  reserve(units: number): Promise<boolean>;
  /**
   * Records the units that a call consumed, which reserved `expected` units. If its response was lost, `units` is
   * `expected`.
   */
  recordConsumption(expected: number, units: number): void;
  /** Delays the next call by `ms`, because the table throttled one. */
  pause(ms: number): void;
  /** Delays the next call by `ms`, after an error that does not count as throttling. */
  delay(ms: number): void;
  /** Whether the table or the ceiling delayed a call. */
  wasThrottled(): boolean;
  /** What all calls so far consumed. */
  consumed(): Consumed;
  /** Releases units that were reserved and not used, or reserves units that were used without a reservation. */
  close(): Promise<void>;
}

interface PacerOptions {
  readonly task: TaskRef;
  /** The ceiling for all workers of the task together; undefined for none. */
  readonly unitsPerSecond: number | undefined;
  /** When this slice must end, ms since 1970. */
  readonly untilMs: number;
  readonly check: CancellationCheck;
}

/** Opens the pacer of one slice, which keeps its calls within the task's ceiling. */
export function openPacer(
  options: PacerOptions,
  ports: { limiter: RateLimiter; time: Time; random: () => number },
): Pacer {
  const { untilMs, check } = options;
  const { time } = ports;
  let notBeforeMs = 0;
  let throttled = false;

  const ready = async (): Promise<boolean> => {
    if (!(await check.waitUntil(Math.min(notBeforeMs, untilMs)))) return false;
    return time.now() < untilMs && (await check.stillNeeded());
  };
  const delay = (ms: number) => {
    notBeforeMs = Math.max(notBeforeMs, time.now() + ms);
  };
  const pause = (ms: number) => {
    throttled = true;
    delay(ms);
  };
  let units = 0;
  let throttles = 0;
  const counted = {
    pause(ms: number) {
      throttles++;
      pause(ms);
    },
    consumed: () => ({ units, throttles }),
  };
  if (options.unitsPerSecond === undefined)
    return {
      callUnitsMax: Number.POSITIVE_INFINITY,
      reserve: ready,
      recordConsumption(_, consumed) {
        units += consumed;
      },
      ...counted,
      delay,
      wasThrottled: () => throttled,
      async close() {},
    };
  const reserved = openReservations(options.task, options.unitsPerSecond * RESERVED_SHARE, untilMs, ports);

  async function reserveUnits(units: number): Promise<boolean> {
    while (await ready()) {
      if (reserved.take(units)) return true;
      const startMs = await reserved.extend(units);
      if (startMs === undefined) {
        pause(ports.random() * FULLY_RESERVED_WAIT_MS);
        continue;
      }
      if (startMs > time.now()) throttled = true;
      if (!(await check.waitUntil(startMs))) return false;
      reserved.begin();
    }
    return false;
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    callUnitsMax: (options.unitsPerSecond * RESERVED_SHARE * RESERVATION_MS) / 1000,
    // Sequential: two calls that find the reservation used up must not both extend it.
    reserve(units) {
      const next = last.then(() => reserveUnits(units));
      last = next.catch(() => {});
      return next;
    },
    recordConsumption(expected, consumed) {
      units += consumed;
      reserved.recordConsumption(expected, consumed);
    },
    ...counted,
    delay,
    wasThrottled: () => throttled,
    close: reserved.close,
  };
}

/**
 * A worker's reservations on its task's timeline: units that it may consume before they expire. A worker that has used
 * more reserves more at once, so that a few fast workers need no more limiter calls than many slow ones.
 */
function openReservations(
  task: TaskRef,
  unitsPerSecond: number,
  untilMs: number,
  { limiter, time }: { limiter: RateLimiter; time: Time },
) {
  const unitsMax = (unitsPerSecond * RESERVATION_MS) / 1000;
  const durationOf = (units: number) => Math.ceil((units / unitsPerSecond) * 1000);
  /** Reserved and not yet used; below zero if calls consumed more than expected. */
  let units = 0;
  let used = 0;
  /** Units taken since the last reservation began, and its start, ms since 1970: the rate that this worker can use. */
  let taken = 0;
  let beganMs = Number.NaN;
  /** Reserved, but the reservation has not begun. */
  let reservedUnits = 0;
  let endMs = 0;
  let expiresMs = 0;

  /** Units that are used late would add to what other workers reserved for that time. */
  function expire(): void {
    if (units > 0 && time.now() >= expiresMs) units = 0;
  }

  return {
    /** Takes units if enough are reserved. */
    take(callUnits: number): boolean {
      expire();
      if (units < callUnits) return false;
      units -= callUnits;
      taken += callUnits;
      return true;
    },
    /**
     * Reserves more, so that `callUnits` can be taken once the reservation begins. Returns its start, ms since 1970;
     * undefined if it would begin after the slice's end.
     */
    async extend(callUnits: number): Promise<number | undefined> {
      // A multiple, so that nothing is left over.
      const usable = (taken * RESERVATION_MS) / Math.max(1, time.now() - beganMs);
      const bulk = Math.min(used * RESERVATION_SHARE, unitsMax, Number.isNaN(usable) ? 0 : usable);
      const more = callUnits * Math.max(1, Math.floor(bulk / callUnits));
      const debtMs = durationOf(-Math.min(units, 0));
      const durationMs = debtMs + durationOf(more);
      const startMs = await limiter.reserve(task, {
        durationMs,
        nowMs: Math.floor(time.now()),
        latestMs: Math.floor(untilMs),
      });
      if (startMs === undefined) return undefined;
      reservedUnits = more - Math.min(units, 0);
      endMs = startMs + durationMs;
      // The time for units that were used without a reservation passes first.
      return startMs + debtMs;
    },
    /** Makes the reserved units available. */
    begin(): void {
      expire();
      units += reservedUnits;
      reservedUnits = 0;
      taken = 0;
      beganMs = time.now();
      expiresMs = beganMs + RESERVATION_MS;
    },
    recordConsumption(expected: number, consumed: number): void {
      units += expected - consumed;
      used += consumed;
    },
    async close(): Promise<void> {
      const left = reservedUnits + units;
      try {
        if (left < 0)
          await limiter.reserve(task, {
            durationMs: durationOf(-left),
            nowMs: Math.floor(time.now()),
            latestMs: Number.MAX_SAFE_INTEGER,
          });
        else if (left > 0 && (reservedUnits > 0 || time.now() < expiresMs))
          await limiter.release(task, { endMs, durationMs: Math.floor((left / unitsPerSecond) * 1000) });
      } catch {
        // The slice's work is done: an error here must not fail it.
      }
      units = 0;
      reservedUnits = 0;
    },
  };
}
