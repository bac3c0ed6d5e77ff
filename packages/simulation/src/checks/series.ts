/**
 * The windows of a series are applied in order.
 */
import { type Outcome, tasksWithDeletedRow } from "./outcome.ts";
import { windowsIn } from "./planned-windows.ts";
import { taskLabel } from "./recorder.ts";

/** No write of a window takes effect after one of a later window. */
export function* seriesViolations(outcome: Outcome): Iterable<string> {
  const { recorder, operations, status } = outcome;
  const deletedTasks = tasksWithDeletedRow(outcome);
  const labels = new Map(status.rows().map((row) => [row["task-id"], taskLabel(row)]));
  const latest = new Map<string, { window: number; by: string }>();
  for (const { atMs, table, taskId, segment, plan, invocation } of recorder.completedWrites) {
    if (plan?.increments === undefined || segment === undefined) continue;
    // A table that was created again is restored into from the first window on; so is one whose task's row was deleted.
    if (operations.actors.recreations.some((one) => one.table === table && one.atMs <= atMs)) continue;
    if (deletedTasks.has(labels.get(taskId) ?? "")) continue;
    const window = windowsIn(plan).findIndex((segments) => segments.includes(segment));
    const before = latest.get(taskId);
    if (before !== undefined && window < before.window)
      yield `WINDOW: ${invocation} wrote items of window ${window} of ${taskId} after ${before.by} those of window ${before.window}`;
    else latest.set(taskId, { window, by: invocation });
  }
}
