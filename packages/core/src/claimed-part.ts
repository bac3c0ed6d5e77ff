/**
 * The key of a claim.
 */
import type { Slice } from "./ports.ts";

/**
 * The name under which a segment is claimed. It includes the number of segments and the table's id: with another number,
 * or in a table that was created again, the segment holds other items, and its completion must not carry over.
 */
export function claimedPart({ task, plan, segment }: Slice): string {
  const table = plan.table.id === undefined ? "" : ` in ${plan.table.id}`;
  return `${task.action} ${task.id} segment ${segment} of ${plan["total-segments"]}${table}`;
}
