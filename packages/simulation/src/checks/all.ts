/**
 * All checks of a run.
 */
import { announcementViolations } from "./announcements.ts";
import { answersOf, answerViolations } from "./answers.ts";
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

/** The violations of a run, one line each. */
export async function violationsOf(outcome: Outcome): Promise<string[]> {
  const answers = answersOf(outcome);
  return [
    ...taskViolations(outcome),
    ...answerViolations(outcome, answers),
    ...rowViolations(outcome, answers),
    ...(await archiveViolations(outcome, answers)),
    ...(await tableViolations(outcome)),
    ...seriesViolations(outcome),
    ...(await newTableViolations(outcome)),
    ...cancellationLatencyViolations(outcome),
    ...duplicateWorkerViolations(outcome),
    ...keptClaimViolations(outcome),
    ...ceilingViolations(outcome),
    ...stepViolations(outcome, answers),
    ...controlViolations(outcome),
    ...lastErrorViolations(outcome),
    ...namedFaultViolations(outcome),
    ...announcementViolations(outcome, answers),
    ...invocationViolations(outcome),
  ];
}
