/**
 * A retry begins one attempt, however often it is delivered; one that names the attempt that its operator saw begins the
 * next one. A cancel of an attempt that was never begun is refused, and no other.
 */
import type { BusEvent } from "@ferry/core/events";
import type { Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";
import { cancelsAhead } from "./rows.ts";

export function controlViolations(outcome: Outcome): string[] {
  return [...retryViolations(outcome), ...cancelViolations(outcome)];
}

function cancelViolations(outcome: Outcome): string[] {
  const { events } = outcome.recorder;
  const refused = new Set<string>();
  for (const { "detail-type": type, detail } of events) {
    const { "event-id": id, cause } = detail as { "event-id": string; cause: string };
    if (type === "TaskControlRefused" && cause === "no-such-attempt") refused.add(id);
  }
  return events
    .filter((event) => event["detail-type"] === "TaskCancelRequested")
    .filter((event) => cancelsAhead(event, outcome) !== refused.has(event.id) && !isForgotten(event, outcome))
    .map(
      ({ id }) => `CANCELLED: ${id} is ${refused.has(id) ? "" : "not "}refused for the attempt that it names`,
    );
}

/** Where an operator deleted the row, nothing tells which attempts the task had. */
function isForgotten({ detail }: BusEvent, { operations }: Outcome): boolean {
  return operations.actors.deletedRows.has(
    taskName((detail as { task: Parameters<typeof taskName>[0] }).task),
  );
}

function retryViolations({ recorder, operations }: Outcome): string[] {
  const begun = new Map<string, Set<number>>();
  for (const { ran, type, detail } of recorder.conclusions) {
    if (ran.type !== "TaskRetryRequested" || type !== "TaskAccepted") continue;
    begun.set(ran.event, (begun.get(ran.event) ?? new Set()).add(Number(detail["attempt"])));
  }
  const found: string[] = [];
  for (const { id, detail } of operations.retries) {
    const attempts = [...(begun.get(id) ?? [])];
    const { attempt } = detail as { attempt?: number };
    if (attempts.length > 1) found.push(`RETRIED: ${id} began the attempts ${attempts.join()}`);
    if (attempt !== undefined && attempts.some((one) => one !== attempt + 1))
      found.push(`RETRIED: ${id} names attempt ${attempt} and began ${attempts.join()}`);
  }
  return found;
}
