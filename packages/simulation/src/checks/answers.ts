/**
 * Every request has exactly one row of its own, accepted or rejected. A row belongs to a request if both have the same
 * request-id (or the event's id), fields and second. A repetition of the request within minutes may belong to the row of
 * the first.
 */
import type { BusEvent } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import { type Fields, requestIn } from "../scenario/shapes.ts";
import type { Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";

/** A request. Identical requests in one second are one. */
export interface TaskRequest {
  readonly id: string;
  readonly action: string;
  /** The request's fields. */
  readonly fields: Fields;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly events: readonly BusEvent[];
}

/** A rejection of a request. A request that is delivered twice may be rejected twice, for two causes. */
interface Rejection {
  readonly cause: string;
  /** ISO 8601. */
  readonly time: string;
}

/** Which row answers which request. */
export type Answers = ReturnType<typeof answersOf>;

/** Repetitions of a request within this time are the same task. */
const REPEAT_SECONDS = 15 * 60;

export function answersOf({ operations, status, recorder }: Outcome) {
  const groups = new Map<string, TaskRequest & { events: BusEvent[] }>();
  for (const event of operations.requests) {
    const { request, id } = requestIn(event);
    const name = JSON.stringify([id, event.time, request]);
    const known = groups.get(name);
    if (known !== undefined) known.events.push(event);
    else
      groups.set(name, {
        id,
        action: String(request["action"]),
        fields: request,
        time: event.time,
        events: [event],
      });
  }
  // A worker requests a message's restore again, and the rejection names that event.
  const sent = new Set(operations.requests.map(({ id }) => id));
  for (const event of recorder.events) {
    if (event["detail-type"] !== "TaskRequested" || sent.has(event.id)) continue;
    const { request, id } = requestIn(event);
    const timeMs = (event.detail as { "request-time": number })["request-time"];
    const time = `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
    groups.get(JSON.stringify([id, time, request]))?.events.push(event);
  }
  const requests: readonly TaskRequest[] = [...groups.values()];
  const rejections = new Map<string, Rejection[]>();
  for (const { "detail-type": type, detail, time } of recorder.facts) {
    if (type !== "TaskRejected") continue;
    const { "event-id": id, cause } = detail as { "event-id": string; cause: string };
    rejections.set(id, [...(rejections.get(id) ?? []), { cause, time }]);
  }
  const rows = status.rows();
  /** The rows of a request. */
  const rowsOf = (one: TaskRequest) => {
    const matching = rows.filter((row) => matches(row, one));
    const own = matching.filter((row) => secondsBetween(row, one) === 0);
    return own.length > 0 ? own : matching.filter((row) => secondsBetween(row, one) <= REPEAT_SECONDS);
  };
  const answeredBy = (row: TaskRow) =>
    requests.filter((one) => rowsOf(one).some((answer) => taskName(answer) === taskName(row)));
  return {
    requests,
    rowsOf,
    requestOf: (row: TaskRow) => answeredBy(row).find((one) => secondsBetween(row, one) === 0),
    /** The rejections of the row's request. */
    rejectionsOf: (row: TaskRow) =>
      answeredBy(row).flatMap(({ events }) => events.flatMap(({ id }) => rejections.get(id) ?? [])),
  };
}

function matches(row: TaskRow, { id, action, fields }: TaskRequest): boolean {
  return (
    row.action === action &&
    row["request-id"] === id &&
    Object.entries(row.request).every(([name, value]) => fields[name] === value) &&
    Object.entries(fields).every(([name, value]) => !isScalar(value) || row.request[name] === value)
  );
}

/** Whether a row contains such a field of its request. */
function isScalar(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function secondsBetween(row: TaskRow, { time }: TaskRequest): number {
  return Math.abs(Math.floor(row.timestamp / 1000) - Date.parse(time) / 1000);
}

/** Whether an operator deleted the row of such a request. After its task's last event nothing writes it again. */
function isDeleted({ action, fields }: TaskRequest, { operations }: Outcome): boolean {
  const key =
    action === "restore"
      ? `${fields["bucket-region"]}-${fields["bucket-name"]}-${fields["bucket-prefix"]}`
      : `${fields["table-region"]}-${fields["table-name"]}`;
  return [...operations.actors.deletedRows].some((name) => name.startsWith(`${action} ${key}@`));
}

export function* answerViolations(outcome: Outcome, answers: Answers): Iterable<string> {
  for (const request of answers.requests) {
    const rows = answers.rowsOf(request);
    const label = `request ${request.id} (${request.action}, ${request.events[0]!.id})`;
    if (rows.length === 0 && !isDeleted(request, outcome)) yield `UNANSWERED: ${label} has no row`;
    if (rows.length > 1) yield `DUPLICATE-ROWS: ${label} has ${rows.length} rows`;
    for (const row of rows)
      if (!row.accepted && answers.rejectionsOf(row).length === 0)
        yield `UNANSWERED: ${label} was neither accepted nor rejected`;
  }
  // Of several requests under one request-id all but the first are rejected.
  const accepted = Map.groupBy(
    outcome.status.rows().filter((row) => row.accepted),
    (row) => row["request-id"],
  );
  for (const [id, rows] of accepted)
    if (rows.length > 1) yield `REUSED: ${rows.map(taskName).join(" and ")} have the request-id ${id}`;
  // A cancel of an unknown task also makes a row, in state `requested`.
  for (const row of outcome.status.rows())
    if ((row.accepted || row.rejected) && answers.requestOf(row) === undefined)
      yield `UNKNOWN: ${taskName(row)} was not requested`;
}
