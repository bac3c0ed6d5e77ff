/**
 * A row's line in a trace.
 */
import { stateOf, type TaskRow } from "@ferry/core/projection/status";

export function describeRow(row: TaskRow): string {
  const { attempt, completed, total, cancelledAttempt, failedStepAttempt, items } = row;
  const failed = Object.entries(row.failed).map(([segment, inAttempt]) => `${segment}@${inAttempt}`);
  return `${stateOf(row)}: attempt ${attempt}, ${completed.length} of ${total} complete, ${items} items, failed [${failed}], cancelled attempt ${cancelledAttempt}, failed step's attempt ${failedStepAttempt}`;
}
