/**
 * A clock that moves only on request or when nothing else can run, so that two runs of one seed have the same times.
 */
import type { Time } from "@ferry/core/ports";

export type VirtualClock = ReturnType<typeof virtualClock>;

interface Due {
  readonly atMs: number;
  readonly order: number;
  /** Absent if it was cancelled. */
  act: (() => void) | undefined;
}

/** An arbitrary Sunday in November 2026: no test should depend on it. */
export const START_MS = Date.UTC(2026, 10, 1, 2);

/**
 * A virtual clock. Actions that are due at the same time run in the order in which they were scheduled. By default the clock
 * wakes the next sleeper when nothing else can run; with `scheduled` it moves only by `advance` and `wakeNext`.
 */
export function virtualClock(options: { startMs?: number; scheduled?: boolean } = {}) {
  const heap: Due[] = [];
  let nowMs = options.startMs ?? START_MS;
  let order = 0;
  let idling = false;

  /** Runs what is due first, if it is due by `untilMs`. */
  const wakeFirst = (untilMs: number): boolean => {
    // A cancelled action does not move the clock.
    while (heap[0] !== undefined && heap[0].act === undefined) pop(heap);
    const next = heap[0];
    if (next?.act === undefined || next.atMs > untilMs) return false;
    pop(heap);
    nowMs = Math.max(nowMs, next.atMs);
    next.act();
    return true;
  };
  /** Moves the clock to what is due first and runs it. Returns false if nothing is scheduled. */
  const wakeNext = () => wakeFirst(Number.POSITIVE_INFINITY);
  /** Memory ports only use microtasks: at the event loop's next turn, all code that could run has run. */
  const wakeWhenIdle = () => {
    if (idling) return;
    idling = true;
    setImmediate(() => {
      idling = false;
      if (wakeNext() && heap.length > 0) wakeWhenIdle();
    });
  };

  /** ms since 1970. */
  const now = () => nowMs;
  /** Calls `act` in `ms`. Returns a function that cancels it. */
  const after = (ms: number, act: () => void) => {
    const due: Due = { atMs: nowMs + Math.max(0, ms), order: order++, act };
    push(heap, due);
    if (options.scheduled !== true) wakeWhenIdle();
    return () => {
      due.act = undefined;
    };
  };
  const sleep = (ms: number) => new Promise<void>((resolve) => after(ms, resolve));

  return {
    now,
    after,
    sleep,
    /** Moves the clock by `ms` and runs in order what becomes due. */
    advance(ms: number) {
      const untilMs = nowMs + ms;
      while (wakeFirst(untilMs));
      nowMs = untilMs;
    },
    wakeNext,
    /** The time of an invocation that may take `budgetMs` from now on. */
    invocation(budgetMs: number): Time {
      const endMs = nowMs + budgetMs;
      return { now, sleep, remainingMs: () => endMs - nowMs };
    },
  };
}

const before = (a: Due, b: Due) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Adds to a binary heap whose first element is due first. */
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

/** Removes the first element. */
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
