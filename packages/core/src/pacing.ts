/**
 * When the next call on a table may go: after a pause that the table asked for, and in a turn of the task's ceiling.
 */

import type { CancellationCheck } from "./cancellation.ts";
import type { RateLimiter, Time } from "./ports.ts";
import type { TaskRef } from "./task.ts";

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 10_000;

/** What is booked of a ceiling. The rest is room for turns that are taken late, so that no ten seconds exceed it. */
const RESERVED_SHARE = 0.93;
/** A worker books at most this much of the task's time at once, and uses it within as long, or loses it. */
const RESERVATION_MS = 250;
/** And at most what it takes in that time, and this share of what it has used: what it leaves unused is little. */
const RESERVATION_SHARE = 1 / 8;
/** How long to wait where the line is booked beyond this slice's end, ms. */
const FULLY_RESERVED_WAIT_MS = 5000;

/**
 * How often one call on a table's items is made before a transient error is thrown. Their clients make one try a call, so
 * that each try is charged to the ceiling.
 */
export const TRIES_MAX = 4;

/** How long to wait before try `tries` + 1, ms: exponential with full jitter. Source: AWS, "Exponential backoff and jitter". */
export function backoffMs(tries: number, random: () => number): number {
  return BACKOFF_MS_MIN + random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tries + 1));
}

export interface Pacer {
  /** The capacity units that one call may be made for; infinite without a ceiling. */
  readonly callUnitsMax: number;
  /** Waits for a turn of `units`; false when the time is up first, or nobody wants the segment any more. */
  reserve(units: number): Promise<boolean>;
  /** Tells what a call consumed whose turn was of `expected` units; `expected` again where its answer was lost. */
  recordConsumption(expected: number, units: number): void;
  /** Waits that long, ms, before the next call: the table asked for less. */
  pause(ms: number): void;
  /** Waits that long, ms, before the next call, after an error that does not count as being held up. */
  delay(ms: number): void;
  /** Whether the table or the ceiling made it wait. */
  wasThrottled(): boolean;
  /** Settles with the task's other workers what was booked and not used, or used and not booked. */
  close(): Promise<void>;
}

interface PacerOptions {
  readonly task: TaskRef;
  /** The ceiling of all the task's workers together; absent for none. */
  readonly unitsPerSecond: number | undefined;
  /** When this slice must end, ms since 1970. */
  readonly untilMs: number;
  readonly watch: CancellationCheck;
}

/** Keeps one slice to its task's ceiling. */
export function openPacer(
  about: PacerOptions,
  ports: { limiter: RateLimiter; time: Time; random: () => number },
): Pacer {
  const { untilMs, watch } = about;
  const { time } = ports;
  let notBeforeMs = 0;
  let heldUp = false;

  const ready = async (): Promise<boolean> => {
    if (!(await watch.waitUntil(Math.min(notBeforeMs, untilMs)))) return false;
    return time.now() < untilMs && (await watch.stillNeeded());
  };
  const delay = (ms: number) => {
    notBeforeMs = Math.max(notBeforeMs, time.now() + ms);
  };
  const pause = (ms: number) => {
    heldUp = true;
    delay(ms);
  };
  if (about.unitsPerSecond === undefined)
    return {
      callUnitsMax: Number.POSITIVE_INFINITY,
      reserve: ready,
      recordConsumption() {},
      pause,
      delay,
      wasThrottled: () => heldUp,
      async close() {},
    };
  const lease = openReservations(about.task, about.unitsPerSecond * RESERVED_SHARE, untilMs, ports);

  async function turn(units: number): Promise<boolean> {
    while (await ready()) {
      if (lease.take(units)) return true;
      const startMs = await lease.extend(units);
      if (startMs === undefined) {
        pause(ports.random() * FULLY_RESERVED_WAIT_MS);
        continue;
      }
      if (startMs > time.now()) heldUp = true;
      if (!(await watch.waitUntil(startMs))) return false;
      lease.begin();
    }
    return false;
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    callUnitsMax: (about.unitsPerSecond * RESERVED_SHARE * RESERVATION_MS) / 1000,
    // One after the other: two that find the lease used up must not both extend it.
    reserve(units) {
      const next = last.then(() => turn(units));
      last = next.catch(() => {});
      return next;
    },
    recordConsumption: lease.spent,
    pause,
    delay,
    wasThrottled: () => heldUp,
    close: lease.close,
  };
}

/**
 * A worker's part of its task's line: units that it may consume before they expire. The more a worker has used, the more
 * it books at once, so that few of them share a ceiling in as few calls as many do.
 */
function openReservations(
  task: TaskRef,
  unitsPerSecond: number,
  untilMs: number,
  { limiter, time }: { limiter: RateLimiter; time: Time },
) {
  const unitsMax = (unitsPerSecond * RESERVATION_MS) / 1000;
  const durationOf = (units: number) => Math.ceil((units / unitsPerSecond) * 1000);
  /** Booked and not yet used; below zero where calls consumed more than was expected. */
  let units = 0;
  let used = 0;
  /** Taken since the last lease began, and when that was, ms since 1970: how much this worker can use. */
  let taken = 0;
  let beganMs = Number.NaN;
  /** Booked, its turn still to come. */
  let reservedUnits = 0;
  let endMs = 0;
  let expiresMs = 0;

  /** Used late, units would be used beside what others booked for that time. */
  function expire(): void {
    if (units > 0 && time.now() >= expiresMs) units = 0;
  }

  return {
    /** Takes units, if they are there. */
    take(wanted: number): boolean {
      expire();
      if (units < wanted) return false;
      units -= wanted;
      taken += wanted;
      return true;
    },
    /** Books more, so that `wanted` can be taken once it begins. When that is, ms since 1970; nothing where it is too late. */
    async extend(wanted: number): Promise<number | undefined> {
      // A multiple, so that nothing is left over.
      const usable = (taken * RESERVATION_MS) / Math.max(1, time.now() - beganMs);
      const bulk = Math.min(used * RESERVATION_SHARE, unitsMax, Number.isNaN(usable) ? 0 : usable);
      const more = wanted * Math.max(1, Math.floor(bulk / wanted));
      const owedMs = durationOf(-Math.min(units, 0));
      const durationMs = owedMs + durationOf(more);
      const startMs = await limiter.reserve(task, {
        durationMs,
        nowMs: Math.floor(time.now()),
        latestMs: Math.floor(untilMs),
      });
      if (startMs === undefined) return undefined;
      reservedUnits = more - Math.min(units, 0);
      endMs = startMs + durationMs;
      // What is owed is paid first.
      return startMs + owedMs;
    },
    /** What was booked is there. */
    begin(): void {
      expire();
      units += reservedUnits;
      reservedUnits = 0;
      taken = 0;
      beganMs = time.now();
      expiresMs = beganMs + RESERVATION_MS;
    },
    spent(expected: number, consumed: number): void {
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
        // What the slice did is done: it must not be told otherwise for this.
      }
      units = 0;
      reservedUnits = 0;
    },
  };
}
