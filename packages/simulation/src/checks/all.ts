/**
 * All checks of a run.
 */
import { announcementViolations } from "./announcements.ts";
import { type Answers, answersOf, answerViolations } from "./answers.ts";
import { archiveViolations } from "./archives.ts";
import { cancellationLatencyViolations } from "./cancellation-latency.ts";
import { ceilingViolations } from "./ceilings.ts";
import { controlViolations } from "./controls.ts";
import { duplicateWorkerViolations, keptClaimViolations } from "./duplicate-workers.ts";
import { invocationViolations } from "./invocations.ts";
import { lastErrorViolations } from "./last-errors.ts";
import { namedFaultViolations } from "./named-faults.ts";
import { newTableViolations } from "./new-table.ts";
import type { Outcome } from "./outcome.ts";
import { rowViolations } from "./rows.ts";
import { seriesViolations } from "./series.ts";
import { stepViolations } from "./steps.ts";
import { tableViolations } from "./tables.ts";
import { taskViolations } from "./tasks.ts";

type Check = (outcome: Outcome, answers: Answers) => Iterable<string> | AsyncIterable<string>;

const checks: readonly Check[] = [
  taskViolations,
  answerViolations,
  rowViolations,
  archiveViolations,
  tableViolations,
  seriesViolations,
  newTableViolations,
  cancellationLatencyViolations,
  duplicateWorkerViolations,
  keptClaimViolations,
  ceilingViolations,
  stepViolations,
  controlViolations,
  lastErrorViolations,
  namedFaultViolations,
  announcementViolations,
  invocationViolations,
];

/** Of one check: what goes wrong often is reported by its first violations. */
const VIOLATIONS_MAX = 20;

/** The violations of a run, one line each. */
export async function violationsOf(outcome: Outcome): Promise<string[]> {
  const answers = answersOf(outcome);
  const found: string[] = [];
  for (const check of checks) {
    const violations = await Array.fromAsync(check(outcome, answers));
    found.push(...violations.slice(0, VIOLATIONS_MAX));
  }
  return found;
}
