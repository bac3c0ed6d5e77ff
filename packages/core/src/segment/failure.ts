/**
 * The failure events.
 */
import { type FerryError, toReport } from "../errors/errors.ts";
import { cutNesting } from "../errors/nesting.ts";
import { truncate } from "../errors/truncate.ts";
import { type BusEvent, type FailureType, type FerryEvent, VERSION } from "../events/events.ts";
import { requestedBy } from "../request/requested.ts";
import type { TaskRef } from "../request/task.ts";

/** The largest request, as JSON, that a failure repeats in full. */
const REQUEST_LENGTH_MAX = 256 * 1024;
/** The longest text that a failure repeats of a larger request. */
const TEXT_LENGTH_MAX = 2048;
/** The fields that form the key of a request's task, and those by which its caller recognises it. */
const KEY_FIELDS = [
  "action",
  "table-region",
  "table-name",
  "bucket-region",
  "bucket-name",
  "bucket-prefix",
  "total-segments",
];

/** The failure of the step that `event` requests. `task`: the task of a rejected request, if it has one. */
export function failure(type: FailureType, event: BusEvent, error: FerryError, task?: TaskRef): FerryEvent {
  return {
    type,
    detail: {
      version: VERSION,
      cause: error.code,
      error: toReport(error),
      ...(task !== undefined && { task }),
      step: event["detail-type"],
      work: type === "TaskRejected" ? abridged(event.detail) : event.detail,
      "event-id": event.id,
      time: event.time,
    },
  };
}

/**
 * A request may be as large as an event, and its rejection must fit an event too. Of a large request only the
 * identifying fields are kept.
 */
function abridged(requested: unknown): unknown {
  const detail = cutNesting(requested);
  if ((JSON.stringify(detail)?.length ?? 0) <= REQUEST_LENGTH_MAX) return detail;
  const { request, requestIds, requestTime } = requestedBy(detail);
  return {
    // A message that is not JSON is a text.
    request:
      typeof request === "string" ? truncate(request, TEXT_LENGTH_MAX) : shortFields(request, KEY_FIELDS),
    ...shortFields({ "request-id": requestIds.find((id) => id !== undefined), "request-time": requestTime }, [
      "request-id",
      "request-time",
    ]),
  };
}

function shortFields(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return {};
  const isShort = ([name, one]: [string, unknown]) =>
    names.includes(name) &&
    (typeof one === "number" || (typeof one === "string" && one.length <= TEXT_LENGTH_MAX));
  return Object.fromEntries(Object.entries(value).filter(isShort));
}
