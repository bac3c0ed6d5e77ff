/**
 * What the slices of a segment use of the table and of time.
 */
import type { SegmentWork, Usage } from "../events/events.ts";
import type { Ports } from "../ports.ts";

/** What the calls of one slice on its table consumed. */
export interface Consumed {
  /** Capacity units. */
  readonly units: number;
  /** Calls that the table throttled, or of which it left writes unprocessed. */
  readonly throttles: number;
}

/**
 * A function that adds what this slice has consumed, and the time since this call, to what the slices before it reported. What a
 * slice used after its last report is lost if its worker dies.
 */
export function openUsage({ usage }: SegmentWork, { time }: Ports): (consumed?: Consumed) => Usage {
  const startMs = time.now();
  return (consumed) => ({
    units: (usage?.units ?? 0) + Math.ceil(consumed?.units ?? 0),
    throttles: (usage?.throttles ?? 0) + (consumed?.throttles ?? 0),
    ms: (usage?.ms ?? 0) + Math.round(time.now() - startMs),
  });
}
