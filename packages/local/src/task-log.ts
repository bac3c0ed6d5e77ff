/**
 * The events that report the end of a task, and refused cancels and retries, as lines for a terminal.
 */
import { sentence } from "@ferry/core/errors";
import { fieldOf } from "@ferry/core/schema-parts";
import { announcements } from "@ferry/core/topology";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";

/** The types of the logged events. `TaskFinishing` is not one: it requests the last step. */
export const LOGGED_TYPES: readonly string[] = [
  ...Object.values(announcements).filter((type) => type !== announcements.finishing),
  "TaskRejected",
  "TaskControlRefused",
];

/**
 * One line with the type, the task and the reason, and for a refused control what to do. A rejected request may have no task, and then no row. Any process may put
 * events on the local bus, so no field is certain.
 */
export function taskLogLine({ "detail-type": type, detail }: EventEnvelope): string {
  const textOf = (value: unknown, name: string) => String(fieldOf(value, name) ?? "");
  if (type === "TaskControlRefused") {
    const named = fieldOf(fieldOf(detail, "asked"), "task");
    const row =
      named === undefined
        ? ""
        : ` of ${textOf(named, "action")} ${textOf(named, "key")}@${textOf(named, "timestamp")}`;
    const [cause, reason, hint] = ["cause", "reason", "hint"].map((name) => textOf(detail, name));
    return `${type}: ${textOf(detail, "control")}${row}: ${cause}: ${reason} ${hint}`;
  }
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
