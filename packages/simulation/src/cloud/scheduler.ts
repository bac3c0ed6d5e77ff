/**
 * Virtual time, which moves from one scheduled action to the next, and the random numbers of a seed.
 */
import { seeded } from "@ferry/core/hash";
import { virtualClock } from "@ferry/memory/time";

export interface Scheduler {
  /** ms since 1970. */
  now(): number;
  /** Does something later. The returned function cancels it. */
  after(ms: number, act: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /**
   * Runs something that depends on the process's threads or clock; virtual time waits for it. Several of these resolve one
   * after another, in the order in which they began, so that two runs of a seed are identical.
   */
  outside<T>(run: () => Promise<T>): Promise<T>;
  /** Moves to the next scheduled action and does it; false if there is none. */
  step(): Promise<boolean>;
}

/** Actions that are due at the same time run in the order in which they were scheduled. */
export function createScheduler(): Scheduler {
  const clock = virtualClock({ scheduled: true });
  let outsideCount = 0;
  let lastOutside: Promise<unknown> = Promise.resolve();

  async function outside<T>(run: () => Promise<T>): Promise<T> {
    outsideCount++;
    const running = run();
    const resolved = lastOutside.then(async () => {
      await running.catch(() => {});
      // By then everything that follows from the one before has run.
      await new Promise(setImmediate);
    });
    lastOutside = resolved;
    await resolved;
    outsideCount--;
    return running;
  }

  return {
    now: clock.now,
    after: clock.after,
    sleep: clock.sleep,
    outside,
    async step() {
      // The simulation runs in microtasks alone: after one round of the event loop all of them have run.
      do await new Promise(setImmediate);
      while (outsideCount > 0);
      return clock.wakeNext();
    },
  };
}

export interface Rng {
  /** In [0, 1). */
  random(): number;
  /** True with this probability. */
  happens(rate: number): boolean;
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number;
  /** A number from `min` to `max`; each order of magnitude is equally likely. */
  magnitude(min: number, max: number): number;
  pick<T>(all: readonly T[]): T;
}

/** The random numbers of a seed. Draws from one `stream` do not change another one. */
export function rngOf(seed: number, stream: number): Rng {
  const random = seeded(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77));
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  return {
    random,
    happens: (rate) => rate > 0 && random() < rate,
    between,
    magnitude: (min, max) => min * (max / min) ** random(),
    pick: (all) => all[between(0, all.length - 1)]!,
  };
}
