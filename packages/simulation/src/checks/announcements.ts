/**
 * The announcements of a task agree with its row: task, attempt, counts and reason.
 */
import type { BusEvent } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { Answers } from "./answers.ts";
import { hasDeletedRow, isDisturbed, type Outcome } from "./outcome.ts";
import { announcedAs, attributesOf, stateIn } from "./projection.ts";
import { taskName } from "./recount.ts";

const STATES: Readonly<Record<string, string>> = {
  TaskFinishing: "finishing",
  TaskSucceeded: "succeeded",
  TaskFailed: "failed",
  TaskCancelled: "cancelled",
};

/** Fields that are the same in announcement and row. */
const COUNTS = [
  "total-segments",
  "completed-segments",
  "failed-segments",
  "transferred-batches",
  "transferred-items",
  "transferred-bytes",
] as const;
const ADDRESS = ["table-region", "table-name", "bucket-region", "bucket-name", "bucket-prefix"] as const;

export function* announcementViolations(outcome: Outcome, answers: Answers): Iterable<string> {
  const { recorder, status } = outcome;
  const rows = new Map(status.rows().map((row) => [taskName(row), row]));
  const last = new Map<string, BusEvent>();
  for (const event of recorder.events) {
    const state = STATES[event["detail-type"]];
    if (state === undefined || event.source !== "ferry") continue;
    const announced = event.detail as Readonly<Record<string, unknown>>;
    // A TaskFinishing without a state is a handoff of the finishing step, no announcement.
    if (state === "finishing" && announced["state"] === undefined) continue;
    const task = announced["task"] as { id: string; action: string; key: string; timestamp: number };
    if (hasDeletedRow(task, outcome)) continue;
    const row = rows.get(taskName(task));
    const label = `ANNOUNCED: ${taskName(task)} as ${event["detail-type"]}`;
    if (row === undefined) {
      yield `${label}, and there is no such row`;
      continue;
    }
    if (announced["state"] !== state) yield `${label} in state ${announced["state"]}`;
    if (task.id !== row["task-id"]) yield `${label} with the id ${task.id}`;
    const request = answers.requestOf(row);
    for (const name of ADDRESS)
      if (request !== undefined && announced[name] !== request.fields[name])
        yield `${label} with ${name} ${announced[name]}, requested was ${request.fields[name]}`;
    if (Number(announced["attempt"]) > row.attempt) yield `${label} in attempt ${announced["attempt"]}`;
    // A slow worker may have planned the task again after an operator deleted its task.json.
    if (state === "succeeded" && !isDisturbed(row, outcome)) last.set(taskName(row), event);
  }
  for (const [name, event] of last) yield* successViolations(name, rows.get(name)!, event);
}

/** After a task has succeeded, nothing but its attempt changes. */
function* successViolations(name: string, row: TaskRow, { detail }: BusEvent): Iterable<string> {
  const seen = attributesOf(row);
  if (announcedAs(stateIn(seen)) !== "TaskSucceeded")
    return yield `ANNOUNCED: ${name} succeeded, its row has another state`;
  const announced = detail as Readonly<Record<string, unknown>>;
  for (const count of COUNTS)
    if (Number(announced[count]) !== seen[count])
      yield `ANNOUNCED: ${name} with ${count} ${announced[count]}, its row has ${seen[count]}`;
  if (announced["reason"] !== "") yield `ANNOUNCED: ${name} succeeded with the reason ${announced["reason"]}`;
}
