/**
 * A clock that only moves when told, or when everyone sleeps: two runs of one seed see the same time.
 */
import type { Time } from "@ferry/core/ports";

export interface VirtualClock {
  /** ms since 1970. */
  now(): number;
  /** Does something in `ms`; returns how to call it off. */
  after(ms: number, act: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /** Moves the clock by `ms`, doing in turn what is due on the way. */
  advance(ms: number): void;
  /** Moves the clock to what is due first and does it; tells whether there was anything. */
  wakeNext(): boolean;
  /** Time as one invocation sees it that may take `budgetMs` from now on. */
  invocation(budgetMs: number): Time;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  /** Absent of what was called off. */
  act: (() => void) | undefined;
}

/** A Sunday in November 2026: no test should depend on which. */
export const START_MS = Date.UTC(2026, 10, 1, 2);

/**
 * A virtual clock. Of things that are due together the first that was scheduled comes first. Left to itself it wakes the
 * next sleeper once nobody has anything left to do; with `scheduled` it leaves that to whoever calls `wakeNext`.
 */
export function virtualClock(options: { startMs?: number; scheduled?: boolean } = {}): VirtualClock {
  const heap: Due[] = [];
  let nowMs = options.startMs ?? START_MS;
  let order = 0;
  let idling = false;

  /** Does what is due first, if it is due by `untilMs`. */
  const wakeFirst = (untilMs: number): boolean => {
    // What was called off does not move the clock.
    while (heap[0] !== undefined && heap[0].act === undefined) pop(heap);
    const next = heap[0];
    if (next?.act === undefined || next.atMs > untilMs) return false;
    pop(heap);
    nowMs = Math.max(nowMs, next.atMs);
    next.act();
    return true;
  };
  const wakeNext = () => wakeFirst(Number.POSITIVE_INFINITY);
  /** Memory ports work in microtasks alone: when the event loop comes round, everyone who could run has run. */
  const wakeWhenIdle = () => {
    if (idling) return;
    idling = true;
    setImmediate(() => {
      idling = false;
      if (wakeNext() && heap.length > 0) wakeWhenIdle();
    });
  };

  const clock: VirtualClock = {
    now: () => nowMs,
    after(ms, act) {
      const due: Due = { atMs: nowMs + Math.max(0, ms), order: order++, act };
      push(heap, due);
      if (options.scheduled !== true) wakeWhenIdle();
      return () => {
        due.act = undefined;
      };
    },
    sleep: (ms) => new Promise((resolve) => clock.after(ms, resolve)),
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

const before = (a: Due, b: Due) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Adds to a binary heap whose first is due first. */
function push(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(due, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = due;
}

/** Removes the first. */
function pop(heap: Due[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
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
}
