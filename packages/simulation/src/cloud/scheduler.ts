/**
 * Time and chance of one run: virtual time that moves only from one thing to the next, and numbers of one seed.
 */
import { seeded } from "@ferry/core/hash";

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

interface Due {
  readonly atMs: number;
  readonly order: number;
  act: (() => void) | undefined;
}

/** A Sunday in November 2026: nothing should depend on which. */
export const START_MS = Date.UTC(2026, 10, 1, 2);

/** A scheduler. Of things that are due together the first that was scheduled comes first. */
export function createScheduler(): Scheduler {
  const heap: Due[] = [];
  let nowMs = START_MS;
  let order = 0;
  const before = (a: Due, b: Due) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(due: Due): void {
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  function pop(): Due | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }

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

  const after: Scheduler["after"] = (ms, act) => {
    const due: Due = { atMs: nowMs + Math.max(0, ms), order: order++, act };
    push(due);
    return () => {
      due.act = undefined;
    };
  };
  return {
    now: () => nowMs,
    after,
    outside,
    sleep: (ms) => new Promise((resolve) => after(ms, resolve)),
    async step() {
      // Everything here works in microtasks alone: when the event loop comes round, all who could run have run.
      do await new Promise(setImmediate);
      while (outsideCount > 0);
      let due = pop();
      // What was called off does not move the clock.
      while (due !== undefined && due.act === undefined) due = pop();
      if (due?.act === undefined) return false;
      nowMs = due.atMs;
      due.act();
      return true;
    },
  };
}

export interface Chance {
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
export function chanceOf(seed: number, stream: number): Chance {
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
