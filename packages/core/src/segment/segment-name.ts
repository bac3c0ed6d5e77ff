import type { SegmentWork } from "../events/events.ts";

/** A segment's name in error reports. */
export function segmentName({ task, segment }: SegmentWork): string {
  return `${task.id} segment ${segment}`;
}
