/**
 * How much time a slice has.
 */
import type { Ports } from "./ports.ts";

/** Left for the last put and the events of a slice, ms. */
const MARGIN_MS = 45_000;

/** How long an invocation may still go on and conclude in peace, ms. */
export function invocationLeftMs(ports: Ports): number {
  return Math.max(0, ports.time.remainingMs() - MARGIN_MS);
}

/** When this slice must hand off, ms since 1970: its budget, or what its invocation leaves of it. */
export function sliceEndMs(ports: Ports): number {
  return ports.time.now() + Math.min(ports.settings.sliceBudgetMs, invocationLeftMs(ports));
}

/** Says at most once in every `intervalMs` that something is due. The first time is one interval from now. */
export function intervalTimer(intervalMs: number, ports: Ports): () => boolean {
  let last = ports.time.now();
  return () => {
    const now = ports.time.now();
    if (now - last < intervalMs) return false;
    last = now;
    return true;
  };
}
