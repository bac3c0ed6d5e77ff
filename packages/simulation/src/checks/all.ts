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

const checks: readonly ((outcome: Outcome, answers: Answers) => string[] | Promise<string[]>)[] = [
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

/** The violations of a run, one line each. */
export async function violationsOf(outcome: Outcome): Promise<string[]> {
  const answers = answersOf(outcome);
  const found: string[] = [];
  for (const check of checks) found.push(...(await check(outcome, answers)));
  return found;
}
