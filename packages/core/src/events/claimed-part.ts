/**
 * The keys of claims.
 */
import type { Slice } from "../ports.ts";
import type { Window } from "../restore/windows.ts";

/**
 * The name under which a segment is claimed. It includes the number of segments and the table's id: with another number,
 * or in a table that was created again, the segment holds other items, and its completion must not carry over.
 */
export function claimedPart(slice: Slice): string {
  return nameOf(slice, `segment ${slice.segment}`);
}

/** The name under which the complete segments of a series' window are recorded. */
export function claimedWindow(slice: Slice, { index }: Window): string {
  return nameOf(slice, `window ${index}`);
}

function nameOf({ task, plan }: Slice, part: string): string {
  const table = plan.table.id === undefined ? "" : ` in ${plan.table.id}`;
  return `${task.action} ${task.id} ${part} of ${plan["total-segments"]}${table}`;
}
