/** Which of the open tasks are silent. Pure. */

/** A task that has not ended, and when it was last heard of: the latest of its row's and its records' facts. */
export interface OpenTask {
  readonly id: string;
  /** ISO 8601. */
  readonly heard: readonly string[];
}

/** The tasks of which nothing was heard for longer than `silentMs`, the longest silence first. */
export function stalledTasks(
  tasks: readonly OpenTask[],
  nowMs: number,
  silentMs: number,
): { readonly id: string; readonly silentMs: number }[] {
  return tasks
    .map(({ id, heard }) => ({ id, silentMs: nowMs - Math.max(...heard.map((time) => Date.parse(time))) }))
    .filter((task) => task.silentMs > silentMs)
    .sort((a, b) => b.silentMs - a.silentMs);
}
