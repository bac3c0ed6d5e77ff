/**
 * What a claim is of: a part of a table.
 */
import type { Slice } from "./ports.ts";

/**
 * Names the segment of a plan, for the hosts of claims. Segments of a plan with another number of them hold other items,
 * and so do those of a table that was created again: what was complete of one says nothing of the other.
 */
export function claimedPart({ task, plan, segment }: Slice): string {
  const table = plan.table.id === undefined ? "" : ` in ${plan.table.id}`;
  return `${task.action} ${task.id} segment ${segment} of ${plan["total-segments"]}${table}`;
}
