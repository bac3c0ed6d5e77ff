/** Finds the stalled tasks among the open ones. Pure. */
import type { RowKey } from "@ferry/core/request/task";

/** A task that was accepted and has not ended. */
export interface OpenTask {
  readonly id: string;
  readonly row: RowKey;
  /** See `awaitsAnnouncement` of core. */
  readonly awaitsAnnouncement: boolean;
  /** When its row and its segment records were last changed, ISO 8601. At least one. */
  readonly updatedTimes: readonly string[];
}

/** The tasks without an update for longer than `stalledAfterMs`, the longest stalled first. */
export function stalledTasks(
  tasks: readonly Pick<OpenTask, "id" | "updatedTimes">[],
  nowMs: number,
  stalledAfterMs: number,
): { readonly id: string; readonly stalledMs: number }[] {
  return tasks
    .map(({ id, updatedTimes }) => ({ id, stalledMs: nowMs - Math.max(...updatedTimes.map(Date.parse)) }))
    .filter(({ stalledMs }) => stalledMs > stalledAfterMs)
    .sort((a, b) => b.stalledMs - a.stalledMs);
}
