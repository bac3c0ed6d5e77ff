/**
 * Who is not wanted any more stops: no call on items is issued later than a look's age after a cancel or a completion.
 */
import type { Outcome } from "./all.ts";
import type { DataCall } from "./witness.ts";

export function promptnessViolations({ witness, scenario }: Outcome): string[] {
  const found: string[] = [];
  /** How old the last look of a call's invocation may be, ms: the looks' interval, and what one took to be answered. */
  const ageMsMax = ({ invocation }: DataCall) =>
    scenario.settings.lookIntervalMs + witness.lookMsMax(invocation);
  for (const call of witness.calls) {
    const { cancelledMs, completedMs, succeededMs = Number.POSITIVE_INFINITY } = witness.history(call.task);
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
  return [
    ...found.slice(0, 5),
    ...spacingViolations(witness.calls, scenario.settings.batchSpacingMs, scenario.weather.stall),
  ];
}

/** The puts of one worker keep their distance; a stall may leave an invocation no time for it. */
function spacingViolations(calls: readonly DataCall[], spacingMs: number, stalls: number): string[] {
  if (spacingMs === 0 || stalls > 0) return [];
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
