/**
 * Whether a segment should still be worked on: it is checked at the start of a slice and then at an interval.
 */
import { permanent } from "./errors.ts";
import type { SegmentWork } from "./events.ts";
import type { Ports } from "./ports.ts";
import { isEnded, stateOf } from "./projection/status.ts";
import { isRowOf } from "./registration.ts";
import { segmentName } from "./segment-name.ts";
import { intervalTimer } from "./slice-budget.ts";

/** Permanent error: `deadline-exceeded`. */
export function assertBeforeDeadline(work: SegmentWork, ports: Ports): void {
  if (ports.time.now() < work["deadline-ms"]) return;
  throw permanent("deadline-exceeded", {
    operation: "work on segment",
    resource: segmentName(work),
    message: `attempt ${work.attempt} took longer than the stage's task timeout.`,
    hint: "Put a TaskRetryRequested: it goes on where the task stands. Use more segments for a table of this size.",
  });
}

/**
 * Whether the segment should still be worked on. Permanent errors: `cancelled`, `deadline-exceeded`.
 * A row that has not heard of this attempt yet, or is another request's, says nothing.
 */
async function shouldRun(work: SegmentWork, ports: Ports): Promise<boolean> {
  assertBeforeDeadline(work, ports);
  const row = await ports.status.read(work.task);
  if (row === undefined || !isRowOf(row, work.task)) return true;
  if (row.cancelledAttempt >= work.attempt)
    throw permanent("cancelled", {
      operation: "work on segment",
      resource: segmentName(work),
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

/** Whether a segment is still stillNeeded, looked up now and then. */
export interface CancellationCheck {
  /** As far as the last look tells, which is at most `cancelPollIntervalMs` old. Throws what `shouldRun` throws. */
  stillNeeded(): Promise<boolean>;
  /** Waits until that time, ms since 1970; false at once when nobody wants the segment any more. */
  waitUntil(untilMs: number): Promise<boolean>;
}

/** Watches a segment, from a first look on. */
export function openCancellationCheck(work: SegmentWork, ports: Ports): CancellationCheck {
  const due = intervalTimer(ports.settings.cancelPollIntervalMs, ports);
  const poll = () => {
    const answer = shouldRun(work, ports);
    // Whoever asks is told; nobody may.
    answer.catch(() => {});
    return answer;
  };
  let last = poll();
  const stillNeeded = () => {
    if (due()) last = poll();
    return last;
  };
  return {
    stillNeeded,
    async waitUntil(untilMs) {
      for (let leftMs = untilMs - ports.time.now(); leftMs > 0; leftMs = untilMs - ports.time.now()) {
        await ports.time.sleep(Math.min(leftMs, ports.settings.cancelPollIntervalMs));
        if (!(await stillNeeded())) return false;
      }
      return true;
    },
  };
}
