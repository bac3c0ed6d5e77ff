/**
 * The events that report the end of a task, as lines for a terminal.
 */
import { sentence } from "@ferry/core/errors";
import type { Failure } from "@ferry/core/events";
import { announcements } from "@ferry/core/topology";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";

/** The types of the events that report the end of a task. `TaskFinishing` is not one: it requests the last step. */
export const TASK_END_TYPES: readonly string[] = [
  ...Object.values(announcements).filter((type) => type !== announcements.finishing),
  "TaskRejected",
];

/** One line with the type, the task and the reason. A rejected request may have no task, and then no row. */
export function taskLogLine(event: EventEnvelope): string {
  const detail = event.detail as Partial<Failure> & {
    readonly task?: { readonly id: string; readonly action: string };
    readonly reason?: string;
    readonly "transferred-items"?: number;
  };
  const { task } = detail;
  if (task !== undefined) {
    const end = detail.reason || `${detail["transferred-items"]} items`;
    return `${event["detail-type"]}: ${task.action} ${task.id}: ${end}`;
  }
  const reason = detail.error === undefined ? "" : `: ${sentence(detail.error)}`;
  return `${event["detail-type"]}: event ${detail["event-id"]}: ${detail.cause}${reason}`;
}
