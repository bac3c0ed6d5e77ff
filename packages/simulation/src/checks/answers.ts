/**
 * Every request is answered, by a row of its own. Which row answers which request is told by what both contain: the
 * request-id that was asked with (or else the event's id), the fields of the request and the second it was asked in. The
 * same request that is asked again within minutes may be answered by the row of the first.
 */
import type { BusEvent } from "@ferry/core/events";
import type { TaskRow } from "@ferry/core/projection/status";
import type { Outcome } from "./outcome.ts";
import { taskName } from "./recount.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A request as it was asked; what is asked twice in one second, word for word, is one. */
export interface Asked {
  readonly id: string;
  readonly action: string;
  /** The request's plain fields. */
  readonly fields: Fields;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly events: readonly BusEvent[];
}

/** A rejection of a request; one that is delivered twice may be rejected twice, for two causes. */
interface Rejection {
  readonly cause: string;
  /** ISO 8601. */
  readonly time: string;
}

export interface Answers {
  readonly asked: readonly Asked[];
  /** The rows that answer a request. */
  rowsOf(asked: Asked): readonly TaskRow[];
  requestOf(row: TaskRow): Asked | undefined;
  /** The rejections of the row's request. */
  rejectionsOf(row: TaskRow): readonly Rejection[];
}

/** A repeat of a request is the same task within it. */
const REPEAT_SECONDS = 15 * 60;

export function answersOf({ operations, status, recorder }: Outcome): Answers {
  const groups = new Map<string, Asked & { events: BusEvent[] }>();
  for (const event of operations.requests) {
    const { request, "request-id": given } = event.detail as { request: Fields; "request-id"?: string };
    const id = given ?? event.id;
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
  const asked = [...groups.values()];
  const rejections = new Map<string, Rejection[]>();
  for (const { "detail-type": type, detail, time } of recorder.facts) {
    if (type !== "TaskRejected") continue;
    const { "event-id": id, cause } = detail as { "event-id": string; cause: string };
    rejections.set(id, [...(rejections.get(id) ?? []), { cause, time }]);
  }
  const rows = status.rows();
  const rowsOf = (one: Asked) => {
    const about = rows.filter((row) => isAbout(row, one));
    const own = about.filter((row) => secondsApart(row, one) === 0);
    return own.length > 0 ? own : about.filter((row) => secondsApart(row, one) <= REPEAT_SECONDS);
  };
  const answeredBy = (row: TaskRow) =>
    asked.filter((one) => rowsOf(one).some((answer) => taskName(answer) === taskName(row)));
  return {
    asked,
    rowsOf,
    requestOf: (row) => answeredBy(row).find((one) => secondsApart(row, one) === 0),
    rejectionsOf: (row) =>
      answeredBy(row).flatMap(({ events }) => events.flatMap(({ id }) => rejections.get(id) ?? [])),
  };
}

function isAbout(row: TaskRow, { id, action, fields }: Asked): boolean {
  return (
    row.action === action &&
    row["request-id"] === id &&
    Object.entries(row.request).every(([name, value]) => fields[name] === value) &&
    Object.entries(fields).every(([name, value]) => !isPlain(value) || row.request[name] === value)
  );
}

/** What a row shows of a request. */
function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function secondsApart(row: TaskRow, { time }: Asked): number {
  return Math.abs(Math.floor(row.timestamp / 1000) - Date.parse(time) / 1000);
}

export function answerViolations(outcome: Outcome): string[] {
  const answers = answersOf(outcome);
  const found: string[] = [];
  for (const asked of answers.asked) {
    const rows = answers.rowsOf(asked);
    const about = `request ${asked.id} (${asked.action}, ${asked.events[0]!.id})`;
    if (rows.length === 0) found.push(`SILENT: nothing was ever said of ${about}`);
    if (rows.length > 1) found.push(`MANY: ${about} has ${rows.length} rows`);
    for (const row of rows)
      if (!row.accepted && answers.rejectionsOf(row).length === 0)
        found.push(`SILENT: ${about} was neither accepted nor rejected`);
  }
  // Of several requests under one request-id all but the first are rejected.
  const accepted = Map.groupBy(
    outcome.status.rows().filter((row) => row.accepted),
    (row) => row["request-id"],
  );
  for (const [id, rows] of accepted)
    if (rows.length > 1) found.push(`REUSED: ${rows.map(taskName).join(" and ")} have the request-id ${id}`);
  // An operator may name a task that never was: its row says `requested`.
  for (const row of outcome.status.rows())
    if ((row.accepted || row.rejected) && answers.requestOf(row) === undefined)
      found.push(`STRANGE: nobody asked for ${taskName(row)}`);
  return found;
}
