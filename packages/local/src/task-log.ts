/**
 * The events that report the end of a task, and refused cancels and retries, as lines for a terminal.
 */
import { summarize } from "@ferry/client/events/event-summary";
import { announcements } from "@ferry/core/topology";
import type { EventEnvelope } from "@ferry/emulator/eventbridge/put-events";

/** The types of the logged events. `TaskFinishing` is not one: it requests the last step. */
export const LOGGED_TYPES: readonly string[] = [
  ...Object.values(announcements).filter((type) => type !== announcements.finishing),
  "TaskRejected",
  "TaskControlRefused",
];

/** One line with the type, the task or the request, and what it says. */
export function taskLogLine(event: EventEnvelope): string {
  const { task, text } = summarize(event);
  return `${event["detail-type"]}: ${task}: ${text}`;
}
