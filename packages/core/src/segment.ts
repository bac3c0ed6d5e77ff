/**
 * What the slices of both directions share: when to stop, and how a slice ends.
 */
import { permanent } from "./errors.ts";
import { type Counts, type Cursor, type FerryEvent, type SegmentWork, VERSION } from "./events.ts";
import type { Ports } from "./ports.ts";
import { isEnded, stateOf } from "./projection/status.ts";
import { isRowOf } from "./registration.ts";

/** Left for the last put and the events of a slice, ms. */
const MARGIN_MS = 45_000;

/** How long an invocation may still go on and conclude in peace, ms. */
export function leftMs(ports: Ports): number {
  return Math.max(0, ports.time.remainingMs() - MARGIN_MS);
}

/** When this slice must hand off, ms since 1970: its budget, or what its invocation leaves of it. */
export function sliceEndMs(ports: Ports): number {
  return ports.time.now() + Math.min(ports.settings.sliceBudgetMs, leftMs(ports));
}

/** Permanent error: `deadline-exceeded`. */
export function refuseLate(work: SegmentWork, ports: Ports): void {
  if (ports.time.now() < work["deadline-ms"]) return;
  throw permanent("deadline-exceeded", {
    operation: "work on segment",
    resource: nameOf(work),
    message: `attempt ${work.attempt} took longer than the stage's task timeout.`,
    hint: "Put a TaskRetryRequested: it goes on where the task stands. Use more segments for a table of this size.",
  });
}

/**
 * Whether the segment should still be worked on. Permanent errors: `cancelled`, `deadline-exceeded`.
 * A row that has not heard of this attempt yet, or is another request's, says nothing.
 */
async function shouldRun(work: SegmentWork, ports: Ports): Promise<boolean> {
  refuseLate(work, ports);
  const row = await ports.status.read(work.task);
  if (row === undefined || !isRowOf(row, work.task)) return true;
  if (row.cancel >= work.attempt)
    throw permanent("cancelled", {
      operation: "work on segment",
      resource: nameOf(work),
      message: `attempt ${work.attempt} was cancelled.`,
      hint: "Put a TaskRetryRequested to go on where the task stands.",
    });
  if (row.completed.includes(work.segment)) return false;
  // A retry queued it again: that attempt's worker goes on, and two would only cost twice.
  if ((row.attempts[work.segment] ?? 1) > work.attempt) return false;
  const state = stateOf(row);
  // There is work only because the task was accepted: another delivery of the request was rejected, and the row has
  // not heard of the acceptance yet. Who stopped here would never be asked again.
  if (state === "rejected") return true;
  return row.attempt < work.attempt || !isEnded(state);
}

/** The event that a segment is complete. */
export function completed(work: SegmentWork, counts: Counts): FerryEvent {
  const { task, plan, attempt, segment } = work;
  return { type: "SegmentCompleted", detail: { version: VERSION, task, plan, attempt, segment, counts } };
}

/** What a slice says on its way; nothing is routed by it. */
export function progressed(work: SegmentWork, { cursor, counts }: Standing): FerryEvent {
  return { type: "SegmentProgressed", detail: { ...work, cursor, counts, handoff: false } };
}

/** Where a slice stands: what is stored or written for sure. */
export interface Standing {
  readonly cursor: Cursor;
  readonly counts: Counts;
}

/**
 * The event that is the continuation, from where the slice stands. Permanent error: `no-progress`, when too many in a
 * row moved nothing; those that were `heldUp` (throttled, or made to wait) do not count.
 */
export function handedOff(
  work: SegmentWork,
  { cursor, counts }: Standing,
  heldUp: boolean,
  ports: Ports,
): FerryEvent {
  const moved = counts.items > work.counts.items || counts.batches > work.counts.batches;
  const idle = moved ? 0 : work["idle-hops"] + (heldUp ? 0 : 1);
  if (idle > ports.settings.maximumIdleHops)
    throw permanent("no-progress", {
      operation: "work on segment",
      resource: nameOf(work),
      message: `${idle} slices in a row moved nothing.`,
      hint: "Look at the worker's log for this task; then put a TaskRetryRequested.",
    });
  return {
    type: "SegmentProgressed",
    detail: { ...work, cursor, counts, hop: work.hop + 1, "idle-hops": idle, handoff: true },
  };
}

/** Whether a segment is still wanted, looked up now and then. */
export interface Watch {
  /** As far as the last look tells, which is at most `lookIntervalMs` old. Throws what `shouldRun` throws. */
  wanted(): Promise<boolean>;
  /** Waits until that time, ms since 1970; false at once when nobody wants the segment any more. */
  waitUntil(untilMs: number): Promise<boolean>;
}

/** Watches a segment, from a first look on. */
export function openWatch(work: SegmentWork, ports: Ports): Watch {
  const due = every(ports.settings.lookIntervalMs, ports);
  const look = () => {
    const answer = shouldRun(work, ports);
    // Whoever asks is told; nobody may.
    answer.catch(() => {});
    return answer;
  };
  let last = look();
  const wanted = () => {
    if (due()) last = look();
    return last;
  };
  return {
    wanted,
    async waitUntil(untilMs) {
      for (let leftMs = untilMs - ports.time.now(); leftMs > 0; leftMs = untilMs - ports.time.now()) {
        await ports.time.sleep(Math.min(leftMs, ports.settings.lookIntervalMs));
        if (!(await wanted())) return false;
      }
      return true;
    },
  };
}

/** Says at most once in every `intervalMs` that something is due. The first time is one interval from now. */
export function every(intervalMs: number, ports: Ports): () => boolean {
  let last = ports.time.now();
  return () => {
    const now = ports.time.now();
    if (now - last < intervalMs) return false;
    last = now;
    return true;
  };
}

function nameOf({ task, segment }: SegmentWork): string {
  return `${task.id} segment ${segment}`;
}
