/**
 * Checks whether a segment's work is still needed: at the start of a slice, and then at an interval.
 */
import { permanent } from "../errors/errors.ts";
import type { SegmentWork } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { isEnded, stateOf, type TaskRow } from "../projection/status.ts";
import { isRowOf } from "../request/registration.ts";
import { currentWindow, isSeries, windowOf } from "../restore/windows.ts";
import { segmentName } from "../segment/segment-name.ts";
import { intervalTimer } from "../segment/slice-budget.ts";

/** Throws the permanent error `deadline-exceeded` if the attempt's deadline has passed. */
export function assertBeforeDeadline(work: SegmentWork, ports: Ports): void {
  if (ports.time.now() < work["deadline-ms"]) return;
  throw permanent("deadline-exceeded", {
    operation: "work on segment",
    resource: segmentName(work),
    message: `Attempt ${work.attempt} took longer than the stage's task timeout.`,
    hint: "Put a TaskRetryRequested: it continues where the task stopped. Use more segments for a table of this size.",
  });
}

/**
 * Whether the segment's work is still needed. Permanent errors: `cancelled`, `deadline-exceeded`. A row that does not
 * include this attempt yet, or belongs to another task, is ignored.
 */
async function shouldRun(work: SegmentWork, ports: Ports): Promise<boolean> {
  assertBeforeDeadline(work, ports);
  const row = await ports.status.read(work.task);
  if (row === undefined || !isRowOf(row, work.task)) return true;
  if (row.cancelledAttempt >= work.attempt)
    throw permanent("cancelled", {
      operation: "work on segment",
      resource: segmentName(work),
      message: `Attempt ${work.attempt} was cancelled.`,
      hint: "Put a TaskRetryRequested to continue where the task stopped.",
    });
  if (row.completed.includes(work.segment)) return false;
  // A retry queued the segment again. Only that attempt's worker continues: a second one would double the cost.
  if ((row.attempts[work.segment] ?? 1) > work.attempt) return false;
  const state = stateOf(row);
  // A segment event exists only because the task was accepted. Another delivery of the request was rejected, and the
  // acceptance is not projected yet. If this slice stopped, nothing would continue the segment.
  if (state === "rejected") return true;
  // So does a segment of a later window: the row does not show yet that the one before is complete. If this slice ended, nothing
  // would continue the segment; if it wrote, another restore might hold the table. So its message is delivered again later.
  if (state === "failed" && row.failedStepAttempt < row.attempt && isOfLaterWindow(work, row))
    throw new Error(`the row of ${work.task.id} does not show yet that the window before is complete`);
  return row.attempt < work.attempt || !isEnded(state);
}

/** Whether the row shows an earlier window of the series than the segment's as the current one. */
function isOfLaterWindow({ plan, segment }: SegmentWork, { completed }: TaskRow): boolean {
  return isSeries(plan) && currentWindow(plan, completed).index < windowOf(plan, segment).index;
}

/** Reports whether a segment is still needed, from a row that is read at an interval. */
export interface CancellationCheck {
  /** The result of the last poll, at most `cancelPollIntervalMs` old. Permanent errors: `cancelled`, `deadline-exceeded`. */
  stillNeeded(): Promise<boolean>;
  /** Waits until `untilMs`, ms since 1970. Returns false early if the segment is no longer needed. */
  waitUntil(untilMs: number): Promise<boolean>;
}

/** Starts checking a segment, with a first poll at once. */
export function openCancellationCheck(work: SegmentWork, ports: Ports): CancellationCheck {
  const due = intervalTimer(ports.settings.cancelPollIntervalMs, ports);
  const poll = () => {
    const answer = shouldRun(work, ports);
    // A caller of `stillNeeded` gets the error; without a caller it must not be an unhandled rejection.
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
