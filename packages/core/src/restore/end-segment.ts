/**
 * Ends a complete segment of a series: its window is over only when no worker can still write for it, and the last segment of
 * a window queues the next one. See docs/decisions/0027.
 */

import { openCancellationCheck } from "../control/cancellation.ts";
import type { FerryEvent, MessageWith, RestorePlan, SegmentWork } from "../events/events.ts";
import type { Ports, SegmentWriter } from "../ports.ts";
import { taskAccepted } from "../request/accepted.ts";
import { type Checkpoint, handoffEvent } from "../segment/checkpoint.ts";
import { sliceEndMs } from "../segment/slice-budget.ts";
import { segmentsOf, windowOf, windowsOf } from "./windows.ts";

/** More than the clocks of two workers differ, and than a call takes to arrive whose worker was ended. */
const MARGIN_MS = 30_000;

/** This invocation as a writer: it has ended when its host ends it. */
export function writerOf({ random, time }: Ports): SegmentWriter {
  const part = () => Math.floor(random() * 2 ** 32).toString(16);
  return { id: `${part()}-${part()}`, untilMs: Math.ceil(time.now() + time.remainingMs()) };
}

/** The event that reports that a segment is complete. */
type Done = Extract<FerryEvent, { readonly type: "SegmentCompleted" }>;

/**
 * The events that end a complete segment, whose claim is completed: `done`, and the acceptance of the next window
 * if this is the window's last segment. Waits for other workers that may still write for the segment: their writes of this
 * window could replace those of the next. A wait that does not fit into the slice is handed off from the `checkpoint`; no events if the segment is
 * no longer needed. Permanent errors: `cancelled`, `deadline-exceeded`.
 */
export async function endSegment(
  work: MessageWith<RestorePlan, SegmentWork>,
  done: Done,
  checkpoint: Checkpoint,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const { plan } = work;
  const wait = await waitForWriters(work, ports);
  if (wait === "not needed") return [];
  if (wait === "too long") return [handoffEvent(work, checkpoint, true, ports)];
  const window = windowOf(plan, work.segment);
  const next = windowsOf(plan)[window.index + 1];
  if (next === undefined) return [done];
  // A late worker of an earlier attempt may be the last to complete. The row counts only failures of the highest attempt.
  const attempt = await ports.registry.raiseAttempt(work.task, work.attempt);
  if (!(await ports.claims.arrive({ ...work, attempt }, window))) return [done];
  return [done, taskAccepted(plan, attempt, work["deadline-ms"], segmentsOf(next))];
}

/** Waits until all other writers of the segment have left, or must have ended. */
async function waitForWriters(
  work: SegmentWork,
  ports: Ports,
): Promise<"none left" | "too long" | "not needed"> {
  const { claims, settings, time } = ports;
  const endMs = sliceEndMs(ports);
  // No writer is recorded for a completed segment: the id is of none.
  let othersUntilMs = await claims.leave(work, "none");
  if (othersUntilMs === undefined || time.now() >= othersUntilMs + MARGIN_MS) return "none left";
  const check = openCancellationCheck(work, ports);
  while (othersUntilMs !== undefined && time.now() < othersUntilMs + MARGIN_MS) {
    if (time.now() >= endMs) return "too long";
    const nextMs = Math.min(
      time.now() + settings.cancelPollIntervalMs,
      endMs,
      Math.ceil(othersUntilMs + MARGIN_MS),
    );
    if (!(await check.waitUntil(nextMs))) return "not needed";
    othersUntilMs = await claims.leave(work, "none");
  }
  return "none left";
}
