/**
 * One run of one seed: the engine's real consumers on a simulated cloud. Its phases: set-up, faults, quiesce, retry of all
 * tasks that did not succeed, and the checks of the result. All time is virtual; the seed decides every random number.
 */
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import { violationsOf } from "./checks/all.ts";
import type { Outcome } from "./checks/outcome.ts";
import type { Recorder } from "./checks/recorder.ts";
import { rngOf } from "./cloud/scheduler.ts";
import { faultPhase } from "./phases/fault-phase.ts";
import { quiesce } from "./phases/quiesce.ts";
import { retryAll } from "./phases/retry-all.ts";
import { IDLE_STEPS_MAX } from "./phases/run-until-idle.ts";
import { type Simulation, setUp } from "./phases/set-up.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { scenarioOf } from "./scenario/scenario-of.ts";
import { type FaultSelection, selectFaults } from "./scenario/select-faults.ts";

/** The result of a run. */
export interface Run {
  readonly seed: number;
  /** One line each, beginning with a short name in capitals. */
  readonly violations: readonly string[];
  /** What happened how often. `endRetries` is the number of retries at the end. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface SimulateOptions {
  /** Receives the trace, line by line. Two runs of a seed have the same trace. */
  readonly onLine?: (line: string) => void;
  /** Which of the seed's faults may happen; default all. */
  readonly faults?: FaultSelection | undefined;
}

/** Runs one seed. An error of the engine is a violation; this function does not throw for it. */
export async function simulate(seed: number, { onLine, faults }: SimulateOptions = {}): Promise<Run> {
  const drawn = scenarioOf(rngOf(seed, 0));
  const scenario = faults === undefined ? drawn : selectFaults(drawn, faults);
  const { recorder: _, ...run } = await simulateScenario(seed, scenario, onLine);
  return run;
}

/** Runs a scenario with the random numbers of a seed; the result also has what was recorded. */
export async function simulateScenario(
  seed: number,
  scenario: Scenario,
  onLine?: (line: string) => void,
): Promise<Run & { readonly recorder: Recorder }> {
  const simulation = setUp(seed, scenario, onLine);
  const { recorder, status, faults } = simulation;
  let isIdle = await faultPhase(simulation);
  isIdle &&= await quiesce(simulation);
  const atQuiesce = stateAtQuiesce(simulation);
  const retried = isIdle ? await retryAll(simulation) : { isIdle: false, retries: 0 };
  const violations = retried.isIdle
    ? await violationsOf(outcomeOf(simulation, atQuiesce))
    : [`LIVELOCK: not idle after ${IDLE_STEPS_MAX} steps`];
  return {
    seed,
    violations,
    recorder,
    counts: {
      runs: 1,
      endRetries: retried.retries,
      ...countsOf(status.rows()),
      ...faults.counts,
      events: recorder.events.length,
      facts: recorder.facts.length,
      calls: recorder.calls.length,
    },
  };
}

function stateAtQuiesce({ status, recorder, scheduler }: Simulation) {
  return {
    quiescedRows: status.rows(),
    quiescedFacts: recorder.facts.length,
    retryAllStart: { atMs: scheduler.now(), events: recorder.events.length },
  };
}

function outcomeOf(simulation: Simulation, atQuiesce: ReturnType<typeof stateAtQuiesce>): Outcome {
  const { items, status, otherArchive } = simulation;
  const rows = status.rows();
  return {
    ...simulation,
    ...atQuiesce,
    // The rows do not change any more; each check uses the same ones.
    status: { ...status, rows: () => rows },
    otherArchiveVersions: otherArchive.versions.map((texts) => ({
      items: items.byName(texts),
      lines: texts.length,
    })),
  };
}

function countsOf(rows: readonly TaskRow[]): Record<string, number> {
  const counts: Record<string, number> = { tasks: rows.length };
  for (const row of rows) counts[stateOf(row)] = (counts[stateOf(row)] ?? 0) + 1;
  return counts;
}
