/**
 * A row whose message failed until its attempts ran out has the last error that a worker recorded.
 */
import type { BusEvent } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";

const EXHAUSTED = "attempts-exhausted";

interface Failed {
  readonly cause: string;
  readonly "event-id": string;
  readonly work?: {
    readonly task?: Parameters<typeof taskName>[0];
    readonly segment?: number;
    readonly attempt?: number | string;
  };
}

export function* lastErrorViolations(outcome: Outcome): Iterable<string> {
  const failures = outcome.recorder.facts.filter(({ detail }) => (detail as Failed).cause === EXHAUSTED);
  for (const row of outcome.status.rows())
    for (const reason of row.reasons) {
      const { attempt, segment, cause, text } = reason;
      if (cause !== EXHAUSTED || !text.includes("No worker could record an error")) continue;
      const own = failures.filter(({ detail }) => isOf(detail as Failed, row, reason));
      if (own.length > 0 && own.every((event) => wasRecorded(event, outcome)))
        yield `LAST-ERROR: ${taskName(row)}, attempt ${attempt}, segment ${segment} has none, but a worker recorded one`;
    }
}

function isOf({ work }: Failed, row: TaskRow, { attempt, segment }: TaskRow["reasons"][number]): boolean {
  return (
    work?.task !== undefined &&
    taskName(work.task) === taskName(row) &&
    work.segment === segment &&
    Number(work.attempt) === attempt
  );
}

/** Whether a worker recorded an error of the failed message before its failure was reported. */
function wasRecorded({ time, detail }: BusEvent, { recorder }: Outcome): boolean {
  const recordedMs = recorder.recordedErrors.get((detail as Failed)["event-id"]);
  return recordedMs !== undefined && recordedMs < Date.parse(time);
}
