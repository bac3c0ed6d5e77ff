/**
 * A task's workers together never consume more than its ceiling, averaged over ten seconds. A call whose answer was lost is
 * charged as estimated, and may have consumed more: docs/correctness.md, T6.
 */
import type { Scenario } from "../scenario/scenario.ts";
import type { Outcome } from "./outcome.ts";

/**
 * By how much a call whose answer is lost may exceed its estimate, as a share of the estimate. A call that is not charged at
 * all exceeds it by 1; this is less, so that a missing charge is found.
 */
const LOST_EXCESS = 0.65;

/** The share of a ceiling that workers reserve: docs/correctness.md, T6. */
const RESERVED_SHARE = 0.93;
/**
 * The least charge for what calls without an answer consumed, as a share. The estimate is of average items: the few calls that a worker
 * loses may all have larger ones. A call that is not charged at all has none.
 */
const LOST_CHARGE_MIN = 0.8;
const UNITS_SLACK = 0.01;

/** The window over which the consumption is averaged, ms. */
export const WINDOW_MS = 10_000;

interface Consumed {
  readonly atMs: number;
  readonly units: number;
}

export function* ceilingViolations(outcome: Outcome): Iterable<string> {
  const { status, recorder, scenario } = outcome;
  yield* chargeViolations(outcome);
  // A call that stalls consumes minutes after its reservation.
  if (scenario.faultRates.stall > 0) return;
  for (const kind of ["read", "write"] as const) {
    const action = kind === "read" ? "backup" : "restore";
    const tasks = status.rows().filter((row) => row.action === action && row.accepted);
    const ceiling = (tasks[0]?.plan as Readonly<Record<string, unknown>> | undefined)?.[`${kind}-units`];
    // Two tasks on one table have separate ceilings.
    if (tasks.length !== 1 || typeof ceiling !== "number") continue;
    const peak = peakOf(recorder.consumption.filter((one) => one.kind === kind));
    if (peak > ceiling * (1 + LOST_EXCESS * lostShare(scenario)))
      yield `CEILING: ${peak.toFixed(1)} ${kind} units a second, averaged over ten, where ${ceiling} are allowed`;
  }
}

/**
 * A worker reserves what its calls consume. An answered call is charged what the table reports, a lost one an estimate.
 */
function* chargeViolations({ recorder }: Outcome): Iterable<string> {
  for (const { name, work, endedMs, failed } of recorder.invocations.values()) {
    const plan = work.plan as Readonly<Record<string, unknown>> | undefined;
    const ceiling = plan?.["read-units"] ?? plan?.["write-units"];
    const use = recorder.capacityUses.get(name);
    // A worker that ends early leaves its last calls without a reservation.
    if (typeof ceiling !== "number" || use === undefined || endedMs === undefined || failed) continue;
    if (work.segment === undefined || use.hasFailed) continue;
    const reserved = (use.reservedMs / 1000) * ceiling * RESERVED_SHARE;
    const lost = use.consumed - use.answered;
    const least = use.answered + LOST_CHARGE_MIN * Math.max(0, lost);
    if (reserved < least - UNITS_SLACK)
      yield `UNCHARGED: ${name} reserved ${reserved.toFixed(1)} units, its calls consumed ${use.answered.toFixed(1)} and, without an answer, ${lost.toFixed(1)}`;
  }
}

/** The share of calls on items whose answers are lost. */
function lostShare({ faultRates }: Scenario): number {
  const { itemAnswerLost, answerLost, cutAnswer, damagedAnswer, serverError } = faultRates;
  return itemAnswerLost + answerLost + cutAnswer + damagedAnswer + serverError;
}

/** The highest average over any window, units per second. */
export function peakOf(consumption: readonly Consumed[]): number {
  let peak = 0;
  let sum = 0;
  let from = 0;
  for (const { atMs, units } of consumption) {
    sum += units;
    while (consumption[from]!.atMs <= atMs - WINDOW_MS) sum -= consumption[from++]!.units;
    peak = Math.max(peak, sum);
  }
  return peak / (WINDOW_MS / 1000);
}
