/**
 * The position of a slice, and the events that report it.
 */
import { permanent } from "../errors/errors.ts";
import {
  type Counts,
  type Cursor,
  type FerryEvent,
  type SegmentWork,
  type Usage,
  VERSION,
} from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { segmentName } from "./segment-name.ts";

/** The event that reports that a segment is complete. */
export function segmentCompleted(work: SegmentWork, counts: Counts, usage?: Usage): FerryEvent {
  const { task, plan, attempt, segment, handoffs } = work;
  return {
    type: "SegmentCompleted",
    detail: {
      version: VERSION,
      task,
      plan,
      attempt,
      segment,
      counts,
      handoffs,
      ...(usage !== undefined && { usage }),
    },
  };
}

/** The progress event of a running slice. No rule routes it to a worker. */
export function segmentProgressed(work: SegmentWork, checkpoint: Checkpoint): FerryEvent {
  return { type: "SegmentProgressed", detail: { ...work, ...checkpoint, handoff: false } };
}

/** The position of a slice, the counts of what is known to be stored or written, and what it used so far. */
export interface Checkpoint {
  readonly cursor: Cursor;
  readonly counts: Counts;
  /** Absent before any slice has begun. */
  readonly usage?: Usage;
}

/**
 * The continuation event: the next slice starts from this checkpoint. Permanent error: `no-progress`, if too many slices
 * in a row made no progress. A slice with `wasThrottled` (delayed by the table or the ceiling) does not count.
 */
export function handoffEvent(
  work: SegmentWork,
  checkpoint: Checkpoint,
  wasThrottled: boolean,
  ports: Ports,
): FerryEvent {
  const { counts } = checkpoint;
  const moved = counts.items > work.counts.items || counts.batches > work.counts.batches;
  const idle = moved ? 0 : work["handoffs-without-progress"] + (wasThrottled ? 0 : 1);
  if (idle > ports.settings.maxHandoffsWithoutProgress)
    throw permanent("no-progress", {
      operation: "work on segment",
      resource: segmentName(work),
      predicate: `made no progress in ${idle} slices in a row`,
      hint: "Read the worker's log for this task; then put a TaskRetryRequested.",
    });
  return {
    type: "SegmentProgressed",
    detail: {
      ...work,
      ...checkpoint,
      handoffs: work.handoffs + 1,
      "handoffs-without-progress": idle,
      handoff: true,
    },
  };
}
