/**
 * A retry begins at most one attempt, even if it is delivered several times. A retry that names an attempt begins the next
 * one. A cancel is refused exactly if it names an attempt that never began.
 */
import type { BusEvent } from "@ferry/core/events";
import type { Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";
import { isUnknownAttemptCancel } from "./rows.ts";

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
    .filter(
      (event) =>
        isUnknownAttemptCancel(event, outcome) !== refused.has(event.id) && !hasDeletedRow(event, outcome),
    )
    .map(
      ({ id }) => `CANCEL: ${id} is ${refused.has(id) ? "" : "not "}refused for the attempt that it names`,
    );
}

/** If an operator deleted the row, the attempts of the task are unknown. */
function hasDeletedRow({ detail }: BusEvent, { operations }: Outcome): boolean {
  return operations.actors.deletedRows.has(
    taskName((detail as { task: Parameters<typeof taskName>[0] }).task),
  );
}

function retryViolations({ recorder, operations }: Outcome): string[] {
  const begun = new Map<string, Set<number>>();
  for (const { invocation, type, detail } of recorder.emittedEvents) {
    if (invocation.type !== "TaskRetryRequested" || type !== "TaskAccepted") continue;
    begun.set(invocation.event, (begun.get(invocation.event) ?? new Set()).add(Number(detail["attempt"])));
  }
  const found: string[] = [];
  for (const { id, detail } of operations.retries) {
    const attempts = [...(begun.get(id) ?? [])];
    const { attempt } = detail as { attempt?: number };
    if (attempts.length > 1) found.push(`RETRY: ${id} began the attempts ${attempts.join()}`);
    if (attempt !== undefined && attempts.some((one) => one !== attempt + 1))
      found.push(`RETRY: ${id} names attempt ${attempt} and began ${attempts.join()}`);
  }
  return found;
}
