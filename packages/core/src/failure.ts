/**
 * The events that say what could not be done.
 */
import { type FerryError, toReport } from "./errors.ts";
import { type BusEvent, type FailureType, type FerryEvent, type TaskRequested, VERSION } from "./events.ts";
import { cutNesting } from "./nesting.ts";
import type { TaskRef } from "./task.ts";

/** As JSON, of a request that is told back whole. */
const REQUEST_LENGTH_MAX = 256 * 1024;
/** What the key of a request's task is made of, and what else its caller knows it by. */
const KEY_FIELDS = [
  "action",
  "table-region",
  "table-name",
  "bucket-region",
  "bucket-name",
  "bucket-prefix",
  "total-segments",
];

/** The failure of the step that `event` asks for; of a rejected request the task, where it has one. */
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
 * A request may be as large as an event; what says why it was rejected must be one too. Of a large one stays what
 * identifies it.
 */
function abridged(given: unknown): unknown {
  const detail = cutNesting(given);
  if ((JSON.stringify(detail)?.length ?? 0) <= REQUEST_LENGTH_MAX) return detail;
  const { request, ...about } = detail as Partial<TaskRequested>;
  return { request: shortFields(request, KEY_FIELDS), ...shortFields(about, ["request-id", "request-time"]) };
}

function shortFields(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return {};
  const isShort = ([name, one]: [string, unknown]) =>
    names.includes(name) && (typeof one === "number" || (typeof one === "string" && one.length <= 2048));
  return Object.fromEntries(Object.entries(value).filter(isShort));
}
