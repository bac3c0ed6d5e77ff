/**
 * The time budget of a slice.
 */
import type { Ports } from "./ports.ts";

/** Time reserved for the last put and the events of a slice, ms. */
const MARGIN_MS = 45_000;

/** How long an invocation may still work, ms: its remaining time less the margin for its conclusion. */
export function invocationLeftMs(ports: Ports): number {
  return Math.max(0, ports.time.remainingMs() - MARGIN_MS);
}

/** When this slice must hand off, ms since 1970: after its budget, or earlier if its invocation ends before that. */
export function sliceEndMs(ports: Ports): number {
  return ports.time.now() + Math.min(ports.settings.sliceBudgetMs, invocationLeftMs(ports));
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
