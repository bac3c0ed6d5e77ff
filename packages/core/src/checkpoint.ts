/**
 * The position of a slice, and the events that report it.
 */
import { permanent } from "./errors.ts";
import { type Counts, type Cursor, type FerryEvent, type SegmentWork, VERSION } from "./events.ts";
import type { Ports } from "./ports.ts";
import { segmentName } from "./segment-name.ts";

/** The event that a segment is complete. */
export function segmentCompleted(work: SegmentWork, counts: Counts): FerryEvent {
  const { task, plan, attempt, segment } = work;
  return { type: "SegmentCompleted", detail: { version: VERSION, task, plan, attempt, segment, counts } };
}

/** What a slice says on its way; nothing is routed by it. */
export function segmentProgressed(work: SegmentWork, { cursor, counts }: Checkpoint): FerryEvent {
  return { type: "SegmentProgressed", detail: { ...work, cursor, counts, handoff: false } };
}

/** Where a slice stands: what is stored or written for sure. */
export interface Checkpoint {
  readonly cursor: Cursor;
  readonly counts: Counts;
}

/**
 * The event that is the continuation, from where the slice stands. Permanent error: `no-progress`, when too many in a
 * row moved nothing; those that were `wasThrottled` (throttled, or made to wait) do not count.
 */
export function handoffEvent(
  work: SegmentWork,
  { cursor, counts }: Checkpoint,
  wasThrottled: boolean,
  ports: Ports,
): FerryEvent {
  const moved = counts.items > work.counts.items || counts.batches > work.counts.batches;
  const idle = moved ? 0 : work["handoffs-without-progress"] + (wasThrottled ? 0 : 1);
  if (idle > ports.settings.maxHandoffsWithoutProgress)
    throw permanent("no-progress", {
      operation: "work on segment",
      resource: segmentName(work),
      message: `${idle} slices in a row moved nothing.`,
      hint: "Look at the worker's log for this task; then put a TaskRetryRequested.",
    });
  return {
    type: "SegmentProgressed",
    detail: {
      ...work,
      cursor,
      counts,
      handoffs: work.handoffs + 1,
      "handoffs-without-progress": idle,
      handoff: true,
    },
  };
}
