/**
 * What identifies a task: everything that distinguishes its request from others.
 */
import * as v from "valibot";
import { canonicalJson } from "./canonical-json.ts";
import { sha256Hex } from "./hash.ts";
import { shown } from "./quote.ts";
import { expandPrefix, type RequestIssue } from "./request.ts";
import { about, count, fieldOf, readonlyObject, wholeNumber } from "./schema-parts.ts";
import { isoOf, msOf } from "./time.ts";

export type Action = TaskRef["action"];

const taskRefEntries = {
  id: about(v.string(), "`{key}@{timestamp}-{digest}`: no two tasks have the same."),
  action: about(v.picklist(["backup", "restore"]), "What the task does."),
  key: about(
    v.string(),
    "`{table-region}-{table-name}` of a backup, `{bucket-region}-{bucket-name}-{bucket-prefix}` of a restore.",
  ),
  "request-id": about(v.string(), "The id of the request that the task began with."),
};
const timestampText =
  "With action and key it names the task's row: the second of the request, ms since 1970, and a slot of that second.";

/** The name of one task, as every fact carries it. */
export const taskRefSchema = about(
  readonlyObject({ ...taskRefEntries, timestamp: about(count, timestampText) }),
  "The task.",
);

/** The same, as a Pipe's template writes it. */
export const announcedTaskSchema = about(
  readonlyObject({ ...taskRefEntries, timestamp: about(wholeNumber, timestampText) }),
  "The task.",
);

export type TaskRef = v.InferOutput<typeof taskRefSchema>;

/** A task's row in the status tables, as operators name it. */
export type RowKey = Pick<TaskRef, "action" | "key" | "timestamp">;

/** What a request says of itself, even a malformed one, before anything is looked up. */
export interface Identity {
  readonly action: Action;
  readonly requestId: string;
  /** The time that the request's `{date}` and `{time}` expand to, ms since 1970. */
  readonly requestTimeMs: number;
  /** 16 hex digits of SHA-256 over action, request-id and the request as it was asked, placeholders not expanded. */
  readonly digest: string;
  /** As it was asked. */
  readonly request: unknown;
  /** What is wrong with the time that the request gives. */
  readonly timeIssue?: RequestIssue;
}

/** Times outside of these are no times in ms that anybody means. */
const TIME_MS_MIN = msOf("2000-01-01T00:00:00Z");
const TIME_MS_MAX = msOf("2100-01-01T00:00:00Z");
const DIGEST_LENGTH = 16;
/** DynamoDB's keys have 2,048 bytes: a task's id, and what notes write around it, must fit too. */
const KEY_BYTES_MAX = 1900;
/** What may name a request: it becomes the fair queue's message group, which takes no more than these. */
export const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/**
 * The identity of the request in a `TaskRequested` event. Total: never throws, whatever the detail.
 * `request-time` (ms since 1970, set by the Pipe from the message's own time, or ISO 8601, set by a schedule) wins over
 * the event's time, so that an event delivered twice has one identity.
 */
export function identify(detail: unknown, event: { readonly id: string; readonly time: string }): Identity {
  const given = fieldOf(detail, "request-id");
  const requestId = typeof given === "string" && REQUEST_ID.test(given) ? given : event.id;
  const request = fieldOf(detail, "request");
  // A request whose action is neither is refused by the backup's worker, and its row is in the backup's table.
  const action: Action = fieldOf(request, "action") === "restore" ? "restore" : "backup";
  const digest = sha256Hex(canonicalJson([action, requestId, request])).slice(0, DIGEST_LENGTH);
  return { action, requestId, digest, request, ...requestTime(fieldOf(detail, "request-time"), event.time) };
}

/** The key of the request's row, its prefix expanded to a time; nothing where the request lacks what a key is made of. */
export function keyOf({ action, request }: Identity, requestTimeMs: number): string | undefined {
  const table = { region: fieldOf(request, "table-region"), name: fieldOf(request, "table-name") };
  if (action === "backup") return joined(table.region, table.name);
  const prefix = fieldOf(request, "bucket-prefix");
  return joined(
    fieldOf(request, "bucket-region"),
    fieldOf(request, "bucket-name"),
    isShort(prefix) && isShort(table.name) ? expandPrefix(prefix, table.name, requestTimeMs) : prefix,
  );
}

/** The task of a request whose row has been found. */
export function taskRef(row: RowKey, { requestId, digest }: Pick<Identity, "requestId" | "digest">): TaskRef {
  const { action, key, timestamp } = row;
  return { id: `${rowName(row)}-${digest}`, action, key, timestamp, "request-id": requestId };
}

/** A row in words: `{key}@{timestamp}`. */
export function rowName({ key, timestamp }: Pick<RowKey, "key" | "timestamp">): string {
  return `${key}@${timestamp}`;
}

function requestTime(
  given: unknown,
  eventTime: string,
): Pick<Identity, "requestTimeMs"> & { timeIssue?: RequestIssue } {
  const eventMs = msOf(eventTime);
  if (given === undefined && isPlausible(eventMs)) return { requestTimeMs: eventMs };
  const givenMs = timeOf(given);
  if (isPlausible(givenMs)) return { requestTimeMs: givenMs };
  const [field, value] = given === undefined ? ["time", eventTime] : ["request-time", given];
  const message =
    `${field} must be ms since 1970 or ISO 8601, from ${isoOf(TIME_MS_MIN)} to ${isoOf(TIME_MS_MAX)}: ` +
    `got ${shown(value)}`;
  // The rejection needs a row all the same.
  return {
    requestTimeMs: isPlausible(eventMs) ? eventMs : TIME_MS_MIN,
    timeIssue: { field, message },
  };
}

function isPlausible(timeMs: number): boolean {
  return timeMs >= TIME_MS_MIN && timeMs < TIME_MS_MAX;
}

/** A number, or the string of one: a Pipe's template may write either. A schedule can write ISO 8601 alone. */
function timeOf(given: unknown): number {
  if (typeof given === "string") return given.includes("T") ? msOf(given) : Number(given);
  return typeof given === "number" ? given : Number.NaN;
}

/** The parts joined, or nothing where one is no string or the whole would not fit a key. */
function joined(...parts: readonly unknown[]): string | undefined {
  if (!parts.every((part) => typeof part === "string" && part.length > 0)) return undefined;
  const key = parts.join("-");
  return new TextEncoder().encode(key).length <= KEY_BYTES_MAX ? key : undefined;
}

/** Expanding a longer one could exhaust the memory: a placeholder may be there many times. */
function isShort(value: unknown): value is string {
  return typeof value === "string" && value.length <= KEY_BYTES_MAX;
}
