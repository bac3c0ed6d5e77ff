/**
 * Virtual time, which moves from one scheduled action to the next, and the random numbers of a seed.
 */
import { seeded } from "@ferry/core/hash";
import { virtualClock } from "@ferry/memory/time";

export type Scheduler = ReturnType<typeof createScheduler>;

/** Actions that are due at the same time run in the order in which they were scheduled. */
export function createScheduler() {
  const clock = virtualClock({ scheduled: true });
  let outsideCount = 0;
  let lastOutside: Promise<unknown> = Promise.resolve();

  /**
   * Runs something that depends on the process's threads or clock; virtual time waits for it. Several of these resolve one
   * after another, in the order in which they began, so that two runs of a seed are identical.
   */
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
    /** Moves to the next scheduled action and does it; false if there is none. */
    async step() {
      // The simulation runs in microtasks alone: after one round of the event loop all of them have run.
      do await new Promise(setImmediate);
      while (outsideCount > 0);
      return clock.wakeNext();
    },
  };
}

export type Rng = ReturnType<typeof rngOf>;

/** The random numbers of a seed. Draws from one `stream` do not change another one. */
export function rngOf(seed: number, stream: number) {
  const random = seeded(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca77));
  /** True with this probability. */
  const happens = (rate: number) => rate > 0 && random() < rate;
  /** A whole number from `min` to `max`. */
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1));
  return {
    /** In [0, 1). */
    random,
    happens,
    between,
    /** With this probability a whole number from 1 to `max`, otherwise 0. */
    some: (rate: number, max: number) => (happens(rate) ? between(1, max) : 0),
    /** A number from `min` to `max`; each order of magnitude is equally likely. */
    magnitude: (min: number, max: number) => min * (max / min) ** random(),
    pick: <T>(all: readonly T[]): T => all[between(0, all.length - 1)]!,
  };
}
