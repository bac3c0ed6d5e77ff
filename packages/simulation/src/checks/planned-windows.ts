/**
 * The windows of a plan, computed without the engine.
 */

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
