import type { SegmentWork } from "./events.ts";

/** The name of a segment in errors. */
export function segmentName({ task, segment }: SegmentWork): string {
  return `${task.id} segment ${segment}`;
}
