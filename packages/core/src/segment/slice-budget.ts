/**
 * The time budget of a slice.
 */
import type { Plan } from "../events/events.ts";
import type { Ports } from "../ports.ts";

/** Time reserved for the last put and the events of a slice, ms. */
const MARGIN_MS = 45_000;

/**
 * The least time between two progress reports of a task, over all its segments, ms. Each is a write of the task's row, which
 * is the larger the more segments there are (docs/decisions/0026).
 */
const TASK_REPORT_SPACING_MS = 500;

/** How long an invocation may still work, ms: its remaining time less the margin for its conclusion. */
export function invocationLeftMs(ports: Ports): number {
  return Math.max(0, ports.time.remainingMs() - MARGIN_MS);
}

/** When this slice must hand off, ms since 1970: after its budget, or earlier if its invocation ends before that. */
export function sliceEndMs(ports: Ports): number {
  return ports.time.now() + Math.min(ports.settings.sliceBudgetMs, invocationLeftMs(ports));
}

/** A function that returns true when a slice should report its progress: less often, the more segments the task has. */
export function progressTimer(plan: Plan, ports: Ports): () => boolean {
  const spacedMs = TASK_REPORT_SPACING_MS * plan["total-segments"];
  return intervalTimer(Math.max(ports.settings.progressIntervalMs, spacedMs), ports);
}

/** A function that returns true at most once every `intervalMs`, for the first time one interval from now. */
export function intervalTimer(intervalMs: number, ports: Ports): () => boolean {
  let last = ports.time.now();
  return () => {
    const now = ports.time.now();
    if (now - last < intervalMs) return false;
    last = now;
    return true;
  };
}
