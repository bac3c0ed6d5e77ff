/** Finds the stalled tasks among the open ones. Pure. */

/** A task that has not ended. */
export interface OpenTask {
  readonly id: string;
  /** When its row and its segment records were last changed, ISO 8601. At least one. */
  readonly updatedTimes: readonly string[];
}

/** The tasks without an update for longer than `stalledAfterMs`, the longest stalled first. */
export function stalledTasks(
  tasks: readonly OpenTask[],
  nowMs: number,
  stalledAfterMs: number,
): { readonly id: string; readonly stalledMs: number }[] {
  return tasks
    .map(({ id, updatedTimes }) => ({ id, stalledMs: nowMs - Math.max(...updatedTimes.map(Date.parse)) }))
    .filter(({ stalledMs }) => stalledMs > stalledAfterMs)
    .sort((a, b) => b.stalledMs - a.stalledMs);
}
