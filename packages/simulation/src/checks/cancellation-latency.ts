/**
 * A worker stops soon after a cancel or a completion: it issues no call on items later than the age of its last poll.
 */

import type { Scenario } from "../scenario/scenario.ts";
import { type Outcome, tasksWithDeletedRow } from "./outcome.ts";
import type { DataCall } from "./recorder.ts";

/** The time beside its slice with which an invocation never cuts a wait short: twice its margin. */
const SPARE_MS_MIN = 120_000;

export function* cancellationLatencyViolations(outcome: Outcome): Iterable<string> {
  const { recorder, scenario } = outcome;
  const deletedTasks = tasksWithDeletedRow(outcome);
  /** The greatest age of the last poll when a call is issued, ms: the poll interval plus the longest poll. */
  const ageMsMax = ({ invocation }: DataCall) =>
    scenario.settings.cancelPollIntervalMs + recorder.pollMsMax(invocation);
  for (const call of recorder.calls) {
    // The history of a deleted row is unknown.
    if (deletedTasks.has(call.task)) continue;
    const { cancelledMs, completedMs, succeededMs = Number.POSITIVE_INFINITY } = recorder.history(call.task);
    const cancelled = cancelledMs.get(call.attempt) ?? Number.POSITIVE_INFINITY;
    const lateMs = call.issuedMs - cancelled - ageMsMax(call);
    if (lateMs > 0)
      yield `SLOW: ${call.invocation} issued a ${call.method} of segment ${call.segment} ${lateMs} ms too late after a cancel`;
    if (call.writes === undefined) continue;
    const completed = Math.min(succeededMs, completedMs.get(call.segment) ?? Number.POSITIVE_INFINITY);
    const tooLateMs = call.issuedMs - completed - ageMsMax(call);
    if (tooLateMs > 0)
      yield `LATE: ${call.invocation} issued writes of segment ${call.segment} ${tooLateMs} ms too late after its completion`;
  }
  yield* spacingViolations(recorder.calls, scenario);
}

/** The puts of one worker keep the batch spacing, if no stall or short invocation takes the time. */
function* spacingViolations(calls: readonly DataCall[], scenario: Scenario): Iterable<string> {
  const { batchSpacingMs: spacingMs, sliceBudgetMs } = scenario.settings;
  const spareMs = scenario.timeoutSeconds * 1000 - sliceBudgetMs;
  if (spacingMs === 0 || scenario.faultRates.stall > 0 || spareMs < SPARE_MS_MIN) return;
  const last = new Map<string, number>();
  for (const { method, invocation, issuedMs, key } of calls) {
    if (method !== "putNew") continue;
    const before = last.get(invocation);
    if (before !== undefined && issuedMs - before < spacingMs)
      yield `SPACING: ${key} was put ${issuedMs - before} ms after the batch before it`;
    last.set(invocation, issuedMs);
  }
}
