/**
 * A retry begins at most one attempt, even if it is delivered several times. A retry that names an attempt begins the next
 * one. A cancel is refused exactly if it names an attempt that never began, or a task that does not exist, which makes no
 * row. A refusal names only rows that exist.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { hasDeletedRow, type Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";
import { isUnknownAttemptCancel } from "./rows.ts";

export function* controlViolations(outcome: Outcome): Iterable<string> {
  yield* retryViolations(outcome);
  yield* cancelViolations(outcome);
  yield* unknownTaskViolations(outcome);
  yield* nearestViolations(outcome);
}

type Named = Parameters<typeof taskName>[0];

const NEAREST_MAX = 5;

/** The rows in a refusal exist, or existed until an operator deleted them. */
function* nearestViolations(outcome: Outcome): Iterable<string> {
  const rows = new Set(outcome.status.rows().map(taskName));
  for (const { "detail-type": type, id, detail } of outcome.recorder.events) {
    if (type !== "TaskControlRefused") continue;
    const { nearest } = detail as { nearest: readonly Named[] };
    if (nearest.length > NEAREST_MAX) yield `NEAREST: ${id} has ${nearest.length} rows`;
    for (const task of nearest)
      if (!rows.has(taskName(task)) && !hasDeletedRow(task, outcome))
        yield `NEAREST: ${id} has ${taskName(task)}, which is not a row`;
  }
}

/** The ids of the events that were refused for a cause. */
function refusedFor(cause: string, { recorder }: Outcome): ReadonlySet<string> {
  const details = recorder.events
    .filter((event) => event["detail-type"] === "TaskControlRefused")
    .map(({ detail }) => detail as { "event-id": string; cause: string });
  return new Set(details.filter((one) => one.cause === cause).map((one) => one["event-id"]));
}

const nameOf = ({ detail }: BusEvent) => {
  const { task } = detail as { task: unknown };
  return typeof task === "object" ? taskName(task as Named) : "";
};

function* unknownTaskViolations(outcome: Outcome): Iterable<string> {
  const { recorder, operations, status } = outcome;
  const { unknownTasks } = operations.actors;
  const refused = refusedFor("no-such-task", outcome);
  for (const event of recorder.events)
    if (
      event["detail-type"] === "TaskCancelRequested" &&
      unknownTasks.has(nameOf(event)) !== refused.has(event.id)
    )
      yield `CANCEL: ${event.id} of ${nameOf(event)} is answered as if the task did (not) exist`;
  for (const row of status.rows())
    if (unknownTasks.has(taskName(row))) yield `CANCEL: a cancel or a retry made the row ${taskName(row)}`;
}

function* cancelViolations(outcome: Outcome): Iterable<string> {
  const refused = refusedFor("no-such-attempt", outcome);
  for (const event of outcome.recorder.events) {
    if (event["detail-type"] !== "TaskCancelRequested") continue;
    if (outcome.operations.actors.unknownTasks.has(nameOf(event))) continue;
    // If an operator deleted the row, the attempts of the task are unknown.
    if (hasDeletedRow((event.detail as { task: Named }).task, outcome)) continue;
    const isRefused = refused.has(event.id);
    if (isUnknownAttemptCancel(event, outcome) !== isRefused)
      yield `CANCEL: ${event.id} is ${isRefused ? "" : "not "}refused for the attempt that it names`;
  }
}

function* retryViolations({ recorder, operations }: Outcome): Iterable<string> {
  const begun = new Map<string, Set<number>>();
  for (const { invocation, type, detail } of recorder.emittedEvents) {
    if (invocation.type !== "TaskRetryRequested" || type !== "TaskAccepted") continue;
    begun.set(invocation.event, (begun.get(invocation.event) ?? new Set()).add(Number(detail["attempt"])));
  }
  for (const { id, detail } of operations.retries) {
    const attempts = [...(begun.get(id) ?? [])];
    const { attempt } = detail as { attempt?: number };
    if (attempts.length > 1) yield `RETRY: ${id} began the attempts ${attempts.join()}`;
    if (attempt !== undefined && attempts.some((one) => one !== attempt + 1))
      yield `RETRY: ${id} names attempt ${attempt} and began ${attempts.join()}`;
  }
}
