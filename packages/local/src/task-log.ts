/**
 * The events that report the end of a task, as lines for a terminal.
 */
import { sentence } from "@ferry/core/errors";
import { fieldOf } from "@ferry/core/schema-parts";
import { announcements } from "@ferry/core/topology";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";

/** The types of the events that report the end of a task. `TaskFinishing` is not one: it requests the last step. */
export const TASK_END_TYPES: readonly string[] = [
  ...Object.values(announcements).filter((type) => type !== announcements.finishing),
  "TaskRejected",
];

/**
 * One line with the type, the task and the reason. A rejected request may have no task, and then no row. Any process may put
 * events on the local bus, so no field is certain.
 */
export function taskLogLine({ "detail-type": type, detail }: EventEnvelope): string {
  const textOf = (value: unknown, name: string) => String(fieldOf(value, name) ?? "");
  const task = fieldOf(detail, "task");
  if (task !== undefined) {
    const end = textOf(detail, "reason") || `${textOf(detail, "transferred-items")} items`;
    return `${type}: ${textOf(task, "action")} ${textOf(task, "id")}: ${end}`;
  }
  const error = fieldOf(detail, "error");
  const report = {
    operation: textOf(error, "operation"),
    resource: textOf(error, "resource"),
    message: textOf(error, "message"),
    hint: textOf(error, "hint"),
  };
  const reason = error === undefined ? "" : `: ${sentence(report)}`;
  return `${type}: event ${textOf(detail, "event-id")}: ${textOf(detail, "cause")}${reason}`;
}
