/**
 * Who is not wanted any more stops: no call on items is issued later than a look's age after a cancel or a completion.
 */

import type { Scenario } from "../scenario/scenario.ts";
import { forgottenTasks, type Outcome } from "./outcome.ts";
import type { DataCall } from "./recorder.ts";

/** What an invocation must have beside its slice, so that a wait is never cut short: its margin, and as much again. */
const SPARE_MS_MIN = 120_000;

export function cancellationLatencyViolations(outcome: Outcome): string[] {
  const { recorder, scenario } = outcome;
  const found: string[] = [];
  const forgotten = forgottenTasks(outcome);
  /** How old the last look of a call's invocation may be, ms: the looks' interval, and what one took to be answered. */
  const ageMsMax = ({ invocation }: DataCall) =>
    scenario.settings.cancelPollIntervalMs + recorder.lookMsMax(invocation);
  for (const call of recorder.calls) {
    // A row that was deleted knows nothing of what was in it.
    if (forgotten.has(call.task)) continue;
    const { cancelledMs, completedMs, succeededMs = Number.POSITIVE_INFINITY } = recorder.history(call.task);
    const cancelled = cancelledMs.get(call.attempt) ?? Number.POSITIVE_INFINITY;
    const lateMs = call.issuedMs - cancelled - ageMsMax(call);
    if (lateMs > 0)
      found.push(
        `SLOW: ${call.invocation} issued a ${call.method} of segment ${call.segment} ${lateMs} ms too late after a cancel`,
      );
    if (call.writes === undefined) continue;
    const unwanted = Math.min(succeededMs, completedMs.get(call.segment) ?? Number.POSITIVE_INFINITY);
    const tooLateMs = call.issuedMs - unwanted - ageMsMax(call);
    if (tooLateMs > 0)
      found.push(
        `LATE: ${call.invocation} issued writes of segment ${call.segment} ${tooLateMs} ms too late after its completion`,
      );
  }
  return [...found.slice(0, 5), ...spacingViolations(recorder.calls, scenario)];
}

/** The puts of one worker keep their distance, where stalls and short invocations leave it the time. */
function spacingViolations(calls: readonly DataCall[], scenario: Scenario): string[] {
  const { batchSpacingMs: spacingMs, sliceBudgetMs } = scenario.settings;
  const spareMs = scenario.timeoutSeconds * 1000 - sliceBudgetMs;
  if (spacingMs === 0 || scenario.faultRates.stall > 0 || spareMs < SPARE_MS_MIN) return [];
  const last = new Map<string, number>();
  const found: string[] = [];
  for (const { method, invocation, issuedMs, key } of calls) {
    if (method !== "putNew") continue;
    const before = last.get(invocation);
    if (before !== undefined && issuedMs - before < spacingMs)
      found.push(`SPACING: ${key} was put ${issuedMs - before} ms after the batch before it`);
    last.set(invocation, issuedMs);
  }
  return found.slice(0, 1);
}
