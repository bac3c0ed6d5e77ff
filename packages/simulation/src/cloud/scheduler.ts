/**
 * Time and chance of one run: virtual time that moves only from one thing to the next, and numbers of one seed.
 */
import { seeded } from "@ferry/core/hash";
import { virtualClock } from "@ferry/memory/time";

export interface Scheduler {
  /** ms since 1970. */
  now(): number;
  /** Does something later; returns how to call it off. */
  after(ms: number, act: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /**
   * Runs what the process's own threads or clock have a part in: virtual time waits for it. What several of these resolve
   * to comes one after the other, in the order in which they were begun, so that two runs of a seed are identical.
   */
  outside<T>(run: () => Promise<T>): Promise<T>;
  /** Moves to what is next and does it; false where nothing is left. */
  step(): Promise<boolean>;
}

/** A scheduler. Of things that are due together the first that was scheduled comes first. */
export function createScheduler(): Scheduler {
  const clock = virtualClock({ scheduled: true });
  let outsideCount = 0;
  let lastOutside: Promise<unknown> = Promise.resolve();

  async function outside<T>(run: () => Promise<T>): Promise<T> {
    outsideCount++;
    const running = run();
    const turn = lastOutside.then(async () => {
      await running.catch(() => {});
      // Whatever follows from the one before has run by then.
      await new Promise(setImmediate);
    });
    lastOutside = turn;
    await turn;
    outsideCount--;
    return running;
  }

  return {
    now: clock.now,
    after: clock.after,
    sleep: clock.sleep,
    outside,
    async step() {
      // Everything here works in microtasks alone: when the event loop comes round, all who could run have run.
      do await new Promise(setImmediate);
      while (outsideCount > 0);
      return clock.wakeNext();
    },
  };
}

export interface Rng {
  /** In [0, 1). */
  random(): number;
  /** Whether something of this probability happens. */
  happens(rate: number): boolean;
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number;
  /** Between `min` and `max`, every order of magnitude as likely as the others. */
  magnitude(min: number, max: number): number;
  pick<T>(all: readonly T[]): T;
}

/** The chance of a seed. `stream` tells apart what must not disturb each other. */
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
