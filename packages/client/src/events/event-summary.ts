/**
 * An event of the bus in one line for a person: which task it is about, and what it says. Any system may put events with a
 * caller's types, and no field of a detail is certain.
 */
import { sentence } from "@ferry/core/errors/errors";
import { quoted } from "@ferry/core/errors/quote";
import type { BusEvent } from "@ferry/core/events/events";
import { eventSchemas } from "@ferry/core/events/read-event";
import { fieldOf } from "@ferry/core/events/schema-parts";
import { requestedBy } from "@ferry/core/request/requested";
import { callerTypes } from "@ferry/core/topology";

export type EventType = keyof typeof eventSchemas;

/** Every type of event on a stage's bus. */
export const eventTypes = Object.keys(eventSchemas) as EventType[];

/** The types that callers put, with any source. The others have Ferry's source. */
export const isCallerType = (type: string): boolean => (callerTypes as readonly string[]).includes(type);

export interface EventSummary {
  /** The task's id. A request has none yet: its request-id. A cancel or retry that names no id: `KEY@TIMESTAMP`. */
  readonly task: string;
  readonly text: string;
}

export function summarize(event: BusEvent): EventSummary {
  return { task: taskOf(event), text: textOf(event) };
}

/** Whether an event is about the task or the request with this id: a task id, with or without its digest, or a request-id. */
export function concerns(event: BusEvent, id: string): boolean {
  const task = namedTask(event);
  const row = rowOf(task);
  const names = [text(task, "id"), row, text(task, "request-id"), requestId(event), failedEventId(event)];
  return names.some((name) => name !== "" && (name === id || (name === row && id.startsWith(`${row}-`))));
}

/** The task's reference: of a fact its own, of a failure that of the failed work, of a refused control the one it named. */
function namedTask({ detail }: BusEvent): unknown {
  return (
    fieldOf(detail, "task") ??
    fieldOf(fieldOf(detail, "work"), "task") ??
    fieldOf(fieldOf(detail, "asked"), "task")
  );
}

function rowOf(task: unknown): string {
  const key = text(task, "key");
  return key === "" ? "" : `${key}@${text(task, "timestamp")}`;
}

/** The request-id of a request: its own, or the id of its event. */
function requestId(event: BusEvent): string {
  if (event["detail-type"] === "TaskRequested") return namedId(event.detail) || event.id;
  return namedId(fieldOf(event.detail, "work"));
}

/** The request-id that a caller or a Pipe named, if any. */
function namedId(detail: unknown): string {
  return String(requestedBy(detail).requestIds.find((id) => typeof id === "string") ?? "");
}

/** The id of the event that failed, which is the request-id of a request without one. */
function failedEventId({ detail }: BusEvent): string {
  return text(detail, "event-id");
}

function taskOf(event: BusEvent): string {
  const task = namedTask(event);
  return text(task, "id") || rowOf(task) || requestId(event) || failedEventId(event);
}

function textOf({ "detail-type": type, detail }: BusEvent): string {
  const task = fieldOf(detail, "task");
  const segment = `segment ${text(detail, "segment")}`;
  switch (type as EventType) {
    case "TaskRequested":
      return requestText(requestedBy(detail).request);
    case "TaskCancelRequested":
    case "TaskRetryRequested": {
      const attempt = text(detail, "attempt");
      return attempt === "" ? text(task, "action") : `${text(task, "action")}, attempt ${attempt}`;
    }
    case "TaskAccepted":
      return `${text(task, "action")}, attempt ${text(detail, "attempt")}, ${counted(length(detail, "segments"), "segment")}`;
    case "SegmentQueued":
      return `${segment}, attempt ${text(detail, "attempt")}`;
    case "SegmentProgressed":
      return `${segment}: ${moved(detail)}${fieldOf(detail, "handoff") === true ? ", handed off" : ""}`;
    case "SegmentCompleted":
      return `${segment}: ${moved(detail)}`;
    case "SegmentFailed":
      return `segment ${text(fieldOf(detail, "work"), "segment")}: ${failure(detail)}`;
    case "TaskRejected":
      return failure(detail);
    case "TaskStepFailed":
      return `${text(detail, "step")}: ${failure(detail)}`;
    case "TaskFinished":
      return counted(text(detail, "items"), "item");
    case "TaskFinishing":
    case "TaskSucceeded":
    case "TaskFailed":
    case "TaskCancelled":
      return `${text(task, "action")}, ${text(detail, "reason") || counted(text(detail, "transferred-items"), "item")}`;
    case "TaskControlRefused":
      return `${text(detail, "control")}: ${text(detail, "cause")}: ${text(detail, "reason")} ${text(detail, "hint")}${nearest(detail)}`;
    default:
      return "";
  }
}

/** The rows that the sender of a refused control may have meant. */
function nearest(detail: unknown): string {
  const rows = fieldOf(detail, "nearest");
  if (!Array.isArray(rows) || rows.length === 0) return "";
  const texts = rows.map((row) => `${text(row, "action")} ${rowOf(row)} (${text(row, "state")})`);
  return ` The nearest rows: ${texts.join(", ")}.`;
}

function requestText(request: unknown): string {
  if (typeof request === "string") return `a text that is not a request: ${quoted(request)}`;
  const field = (name: string) => text(request, name);
  const table = `${field("table-name")} in ${field("table-region")}`;
  const archive = `s3://${field("bucket-name")}/${field("bucket-prefix")}`;
  return field("action") === "restore"
    ? `restore, ${archive} → ${table}`
    : `${field("action")}, ${table} → ${archive}`;
}

function moved(detail: unknown): string {
  const counts = fieldOf(detail, "counts");
  return `${counted(text(counts, "items"), "item")} in ${counted(text(counts, "batches"), "file")}`;
}

function failure(detail: unknown): string {
  const error = fieldOf(detail, "error");
  const cause = text(detail, "cause");
  if (error === undefined) return cause;
  return `${cause}: ${sentence({ message: text(error, "message"), hint: text(error, "hint") })}`;
}

function counted(value: string | number, one: string): string {
  const number = Number(value);
  return `${value === "" || Number.isNaN(number) ? "?" : number.toLocaleString("en-US")} ${one}${number === 1 ? "" : "s"}`;
}

function length(value: unknown, name: string): number | string {
  const list = fieldOf(value, name);
  return Array.isArray(list) ? list.length : "";
}

/** A field's text: of a text or a number. */
function text(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  return typeof field === "string" || typeof field === "number" ? String(field) : "";
}
