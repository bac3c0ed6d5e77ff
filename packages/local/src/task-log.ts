/**
 * What Ferry tells whoever listens on its bus, as lines for whoever looks at a terminal.
 */

import { sentence } from "@ferry/core/errors";
import type { Failure } from "@ferry/core/events";
import { announcements } from "@ferry/core/topology";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";

/** The types of the events that tell how a task ended. `TaskFinishing` asks for work; it is no news. */
export const NEWS: readonly string[] = [
  ...Object.values(announcements).filter((type) => type !== announcements.finishing),
  "TaskRejected",
];

/** One line: the end, the task, and the reason. A rejected request may be of no task: then there is no row to look at. */
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
