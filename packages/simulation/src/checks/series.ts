/**
 * The windows of a series are applied in order, computed without the engine.
 */
import { type Outcome, tasksWithDeletedRow } from "./outcome.ts";
import { taskLabel } from "./recorder.ts";

/** The part of a plan that names its windows: the last segments belong to the increments. */
export interface PlannedWindows {
  readonly "total-segments": number;
  readonly increments?: readonly { readonly segments: number }[];
}

/** The segments of each window, in order. A plan without increments has one window. */
export function windowsIn(plan: PlannedWindows): readonly (readonly number[])[] {
  const all = Array.from({ length: plan["total-segments"] }, (_, segment) => segment);
  const windows: number[][] = [];
  for (const { segments } of [...(plan.increments ?? [])].reverse())
    windows.unshift(all.splice(all.length - segments, segments));
  return [all, ...windows];
}

/** The segments of the first window that is not complete: those after it are not queued. The last window's if all are complete. */
export function openSegments(plan: PlannedWindows, completed: ReadonlySet<number>): readonly number[] {
  const windows = windowsIn(plan);
  return windows.find((segments) => segments.some((one) => !completed.has(one))) ?? windows.at(-1)!;
}

/** No write of a window takes effect after one of a later window. */
export function seriesViolations(outcome: Outcome): string[] {
  const { recorder, operations, status } = outcome;
  const deletedTasks = tasksWithDeletedRow(outcome);
  const labels = new Map(status.rows().map((row) => [row["task-id"], taskLabel(row)]));
  const latest = new Map<string, { window: number; by: string }>();
  const found: string[] = [];
  for (const { atMs, table, taskId, segment, plan, invocation } of recorder.completedWrites) {
    if (plan?.increments === undefined || segment === undefined) continue;
    // A table that was created again is restored into from the first window on; so is one whose task's row was deleted.
    if (operations.actors.recreations.some((one) => one.table === table && one.atMs <= atMs)) continue;
    if (deletedTasks.has(labels.get(taskId) ?? "")) continue;
    const window = windowsIn(plan).findIndex((segments) => segments.includes(segment));
    const before = latest.get(taskId);
    if (before !== undefined && window < before.window)
      found.push(
        `WINDOW: ${invocation} wrote items of window ${window} of ${taskId} after ${before.by} those of window ${before.window}`,
      );
    else latest.set(taskId, { window, by: invocation });
  }
  return found.slice(0, 3);
}
