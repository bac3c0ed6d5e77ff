/**
 * The windows of a restore of a series of exports. The first is the full export, each other one an incremental export. Each
 * has segments of its own, numbered after those of the window before. A window's segments are queued when those of the one
 * before are complete. Every other task has one window.
 */
import type { Plan, RestorePlan } from "../events/events.ts";

/** A window: its segments are `first` to `first + segments - 1`. */
export interface Window {
  readonly index: number;
  readonly first: number;
  readonly segments: number;
}

/** A window of a restore, and the manifest of its export. */
export interface RestoreWindow extends Window {
  readonly manifest: RestorePlan["manifest"];
}

/** Whether the plan restores a series: its segments are not all queued at once. */
export function isSeries(plan: Plan): plan is RestorePlan & { readonly increments: object } {
  return "increments" in plan && plan.increments !== undefined;
}

/** The plan's windows, in order. */
export function windowsOf(plan: Plan): readonly Window[] {
  const increments = isSeries(plan) ? plan.increments.map(({ segments }) => segments) : [];
  const full = plan["total-segments"] - increments.reduce((sum, segments) => sum + segments, 0);
  let first = 0;
  return [full, ...increments].map((segments, index) => {
    const window = { index, first, segments };
    first += segments;
    return window;
  });
}

/** The window of a segment, with its manifest. */
export function windowOf(plan: RestorePlan, segment: number): RestoreWindow {
  const window = windowsOf(plan).findLast(({ first }) => first <= segment)!;
  const manifest = window.index === 0 ? plan.manifest : plan.increments![window.index - 1]!;
  return { ...window, manifest };
}

/** The segments of a window, ascending. */
export function segmentsOf({ first, segments }: Window): number[] {
  return Array.from({ length: segments }, (_, n) => first + n);
}

/** The first window with a segment that is not complete; the last one if there is none. `completed`: ascending. */
export function currentWindow(plan: Plan, completed: readonly number[]): Window {
  const windows = windowsOf(plan);
  // Completions may be projected out of order, so a later window may have some before an earlier one has all.
  let next = 0;
  while (completed[next] === next) next++;
  return windows.find(({ first, segments }) => next < first + segments) ?? windows.at(-1)!;
}

/** The manifests of all windows. */
export function manifestsOf(plan: RestorePlan): readonly RestorePlan["manifest"][] {
  return [plan.manifest, ...(plan.increments ?? [])];
}

/** The time of the state that the last window has, ISO 8601; undefined if the manifest does not name it. */
export function momentOf(plan: RestorePlan): string | undefined {
  return manifestsOf(plan).at(-1)?.window?.to;
}
