/**
 * What the bus says of a task's end is what its row says: who, in which attempt, how much, and why.
 */
import type { BusEvent } from "@ferry/core/events";
import type { TaskRow } from "@ferry/core/projection/status";
import { answersOf } from "./answers.ts";
import type { Outcome } from "./outcome.ts";
import { announcedAs, attributesOf, stateIn } from "./projection.ts";
import { taskName } from "./recount.ts";

const STATES: Readonly<Record<string, string>> = {
  TaskFinishing: "finishing",
  TaskSucceeded: "succeeded",
  TaskFailed: "failed",
  TaskCancelled: "cancelled",
};

/** Fields that stand in the announcement as they stand in the row. */
const COUNTS = [
  "total-segments",
  "completed-segments",
  "failed-segments",
  "transferred-batches",
  "transferred-items",
  "transferred-bytes",
] as const;
const ADDRESS = ["table-region", "table-name", "bucket-region", "bucket-name", "bucket-prefix"] as const;

export function announcementViolations(outcome: Outcome): string[] {
  const { recorder, status } = outcome;
  const rows = new Map(status.rows().map((row) => [taskName(row), row]));
  const answers = answersOf(outcome);
  const found: string[] = [];
  const last = new Map<string, BusEvent>();
  for (const event of recorder.events) {
    const state = STATES[event["detail-type"]];
    if (state === undefined || event.source !== "ferry") continue;
    const said = event.detail as Readonly<Record<string, unknown>>;
    // A worker hands finishing off: that is no announcement of a row.
    if (state === "finishing" && said["state"] === undefined) continue;
    const task = said["task"] as { id: string; action: string; key: string; timestamp: number };
    // A row that was deleted and made anew by later facts knows only those.
    if (outcome.operations.actors.deletedRows.has(taskName(task))) continue;
    const row = rows.get(taskName(task));
    const about = `ANNOUNCED: ${taskName(task)} as ${event["detail-type"]}`;
    if (row === undefined) {
      found.push(`${about}, and there is no such row`);
      continue;
    }
    if (said["state"] !== state) found.push(`${about} in state ${said["state"]}`);
    if (task.id !== row["task-id"]) found.push(`${about} with the id ${task.id}`);
    const asked = answers.requestOf(row);
    for (const name of ADDRESS)
      if (asked !== undefined && said[name] !== asked.fields[name])
        found.push(`${about} with ${name} ${said[name]}, asked was ${asked.fields[name]}`);
    if (Number(said["attempt"]) > row.attempt) found.push(`${about} in attempt ${said["attempt"]}`);
    if (state === "succeeded") last.set(taskName(row), event);
  }
  for (const [name, event] of last) found.push(...successViolations(name, rows.get(name)!, event));
  return found;
}

/** Nothing changes any more once a task has succeeded, but that late workers tell of attempts. */
function successViolations(name: string, row: TaskRow, { detail }: BusEvent): string[] {
  const seen = attributesOf(row);
  if (announcedAs(stateIn(seen)) !== "TaskSucceeded")
    return [`ANNOUNCED: ${name} succeeded, its row says otherwise`];
  const said = detail as Readonly<Record<string, unknown>>;
  const differing = COUNTS.filter((count) => Number(said[count]) !== seen[count]);
  const found = differing.map(
    (count) => `ANNOUNCED: ${name} with ${count} ${said[count]}, its row says ${seen[count]}`,
  );
  return said["reason"] === ""
    ? found
    : [...found, `ANNOUNCED: ${name} succeeded with the reason ${said["reason"]}`];
}
