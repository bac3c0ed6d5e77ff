/**
 * A clock that only moves when told, or when everyone sleeps: two runs of one seed see the same time.
 */
import type { Time } from "@ferry/core/ports";

export interface VirtualClock {
  /** ms since 1970. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Moves the clock by `ms`, waking in turn whoever is due on the way. */
  advance(ms: number): void;
  /** Moves the clock to the sleeper that is due first and wakes it; tells whether there was one. */
  wakeNext(): boolean;
  /** Time as one invocation sees it that may take `budgetMs` from now on. */
  invocation(budgetMs: number): Time;
}

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

/** A Sunday in November 2026: no test should depend on which. */
const START_MS = Date.UTC(2026, 10, 1, 2);

/**
 * A virtual clock. Left to itself it wakes the next sleeper once nobody has anything left to do; with `scheduled`
 * it leaves that to whoever calls `wakeNext`.
 */
export function virtualClock(options: { startMs?: number; scheduled?: boolean } = {}): VirtualClock {
  let nowMs = options.startMs ?? START_MS;
  let sleepers: Sleeper[] = [];
  let idling = false;

  const wakeFirst = (untilMs: number): boolean => {
    // The first due, and of those that are due together the one that fell asleep first.
    const next = sleepers.reduce<Sleeper | undefined>(
      (first, sleeper) => (first === undefined || sleeper.dueMs < first.dueMs ? sleeper : first),
      undefined,
    );
    if (next === undefined || next.dueMs > untilMs) return false;
    sleepers = sleepers.filter((sleeper) => sleeper !== next);
    nowMs = Math.max(nowMs, next.dueMs);
    next.wake();
    return true;
  };
  const wakeNext = () => wakeFirst(Number.POSITIVE_INFINITY);
  /** Memory ports work in microtasks alone: when the event loop comes round, everyone who could run has run. */
  const wakeWhenIdle = () => {
    if (idling) return;
    idling = true;
    setImmediate(() => {
      idling = false;
      if (wakeNext() && sleepers.length > 0) wakeWhenIdle();
    });
  };

  const clock: VirtualClock = {
    now: () => nowMs,
    sleep(ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      sleepers.push({ dueMs: nowMs + Math.max(0, ms), wake: resolve });
      if (options.scheduled !== true) wakeWhenIdle();
      return promise;
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      while (wakeFirst(untilMs));
      nowMs = untilMs;
    },
    wakeNext,
    invocation(budgetMs) {
      const endMs = nowMs + budgetMs;
      return { now: clock.now, sleep: clock.sleep, remainingMs: () => endMs - nowMs };
    },
  };
  return clock;
}
