/**
 * The identity of a task: what distinguishes its request from others.
 */
import * as v from "valibot";
import { canonicalJson } from "../canonical-json.ts";
import { quoted } from "../errors/quote.ts";
import { count, described, fieldOf, readonlyObject, wholeNumber } from "../events/schema-parts.ts";
import { sha256Hex } from "../hash.ts";
import { isoOf, msOf } from "../time.ts";
import { expandPrefix, type RequestIssue } from "./request.ts";
import { type Requested, requestedBy } from "./requested.ts";

export type Action = TaskRef["action"];

const taskRefEntries = {
  id: described(v.string(), "`{key}@{timestamp}-{digest}`: unique among all tasks."),
  action: described(v.picklist(["backup", "restore"]), "The task's action."),
  key: described(
    v.string(),
    "`{table-region}-{table-name}` for a backup, `{bucket-region}-{bucket-name}-{bucket-prefix}` for a restore.",
  ),
  "request-id": described(v.string(), "The id of the task's request."),
};
const timestampText =
  "With `action` and `key` it identifies the task's row: the second of the request, ms since 1970, plus a slot of 0 to 999 ms.";

/** A reference to a task, as in each fact. */
export const taskRefSchema = described(
  readonlyObject({ ...taskRefEntries, timestamp: described(count, timestampText) }),
  "The task.",
);

/** A reference to a task, as a Pipe's template writes it. */
export const announcedTaskSchema = described(
  readonlyObject({ ...taskRefEntries, timestamp: described(wholeNumber, timestampText) }),
  "The task.",
);

export type TaskRef = v.InferOutput<typeof taskRefSchema>;

/** The key of a task's row in the status tables. */
export type RowKey = Pick<TaskRef, "action" | "key" | "timestamp">;

/** The identity of a request, valid or not, from its event alone. */
export interface Identity {
  readonly action: Action;
  readonly requestId: string;
  /** The time to which the request's `{date}` and `{time}` expand, ms since 1970. */
  readonly requestTimeMs: number;
  /** 16 hex digits of SHA-256 over action, request-id and the request as received, with placeholders not expanded. */
  readonly digest: string;
  /** The request as received. */
  readonly request: unknown;
  /** The issue of an invalid request time. */
  readonly timeIssue?: RequestIssue;
  /** The message of `request-queue` that has the request, and the request's time as received, valid or not. */
  readonly message?: Required<Requested>["message"] & { readonly requestTime: unknown };
}

/** A request time outside this range is a mistake, for instance seconds instead of ms. */
const TIME_MS_MIN = msOf("2000-01-01T00:00:00Z");
const TIME_MS_MAX = msOf("2100-01-01T00:00:00Z");
const DIGEST_LENGTH = 16;
/** DynamoDB's keys have at most 2,048 bytes. A task's id, and the keys of worker-table items that contain it, must fit too. */
const KEY_BYTES_MAX = 1900;
/** The most characters of a message group, according to EventBridge's API reference. SQS allows 128. */
export const REQUEST_ID_LENGTH_MAX = 100;
/** A valid request-id. It becomes the message group of the fair queue, which allows only these characters. */
export const REQUEST_ID = new RegExp(`^[A-Za-z0-9_.:-]{1,${REQUEST_ID_LENGTH_MAX}}$`);

/**
 * The identity of the request in a `TaskRequested` event, in any of its shapes. Never throws, for any detail. `request-time` has priority over the
 * event's time: the time of a message, ms since 1970, or the time at which a schedule was due, ISO 8601. So a message for which the Pipe
 * puts two events has one identity.
 */
export function identify(detail: unknown, event: { readonly id: string; readonly time: string }): Identity {
  const { request, requestIds, requestTime, message } = requestedBy(detail);
  const isValid = (id: unknown): id is string => typeof id === "string" && REQUEST_ID.test(id);
  const requestId = requestIds.find(isValid) ?? event.id;
  // The backup worker rejects a request with another action, in a row of the backup table.
  const action: Action = fieldOf(request, "action") === "restore" ? "restore" : "backup";
  const digest = sha256Hex(canonicalJson([action, requestId, request])).slice(0, DIGEST_LENGTH);
  return {
    action,
    requestId,
    digest,
    request,
    ...timesOf(requestTime, event.time),
    ...(message !== undefined && { message: { ...message, requestTime } }),
  };
}

/**
 * The key of the request's row, with the prefix expanded at `requestTimeMs`; undefined if the request lacks the key's
 * fields.
 */
export function rowKeyOf({ action, request }: Identity, requestTimeMs: number): string | undefined {
  const table = { region: fieldOf(request, "table-region"), name: fieldOf(request, "table-name") };
  if (action === "backup") return joined(table.region, table.name);
  const prefix = fieldOf(request, "bucket-prefix");
  return joined(
    fieldOf(request, "bucket-region"),
    fieldOf(request, "bucket-name"),
    isShort(prefix) && isShort(table.name) ? expandPrefix(prefix, table.name, requestTimeMs) : prefix,
  );
}

/** The reference to a request's task in this row. */
export function taskRef(row: RowKey, { requestId, digest }: Pick<Identity, "requestId" | "digest">): TaskRef {
  const { action, key, timestamp } = row;
  return { id: `${rowName(row)}-${digest}`, action, key, timestamp, "request-id": requestId };
}

/** The name of a row: `{key}@{timestamp}`. */
export function rowName({ key, timestamp }: Pick<RowKey, "key" | "timestamp">): string {
  return `${key}@${timestamp}`;
}

function timesOf(
  requestTime: unknown,
  eventTime: string,
): Pick<Identity, "requestTimeMs"> & { timeIssue?: RequestIssue } {
  const eventMs = msOf(eventTime);
  if (requestTime === undefined && isPlausible(eventMs)) return { requestTimeMs: eventMs };
  const requestTimeMs = msOfRequestTime(requestTime);
  if (isPlausible(requestTimeMs)) return { requestTimeMs };
  const [field, value] = requestTime === undefined ? ["time", eventTime] : ["request-time", requestTime];
  const message =
    `${field} must be ms since 1970 or ISO 8601, from ${isoOf(TIME_MS_MIN)} to ${isoOf(TIME_MS_MAX)}: ` +
    `got ${quoted(value)}`;
  // The rejection needs a row, and thus a time.
  return {
    requestTimeMs: isPlausible(eventMs) ? eventMs : TIME_MS_MIN,
    timeIssue: { field, message },
  };
}

function isPlausible(timeMs: number): boolean {
  return timeMs >= TIME_MS_MIN && timeMs < TIME_MS_MAX;
}

/** A number or a numeric string, either of which a Pipe's template may write; or ISO 8601, which a schedule writes. */
function msOfRequestTime(value: unknown): number {
  if (typeof value === "string") return value.includes("T") ? msOf(value) : Number(value);
  return typeof value === "number" ? value : Number.NaN;
}

/** The parts joined; undefined if one is not a string, or the result is too long for a key. */
function joined(...parts: readonly unknown[]): string | undefined {
  if (!parts.every((part) => typeof part === "string" && part.length > 0)) return undefined;
  const key = parts.join("-");
  return new TextEncoder().encode(key).length <= KEY_BYTES_MAX ? key : undefined;
}

/** Expanding a longer text, with many placeholders, could exhaust the memory. */
function isShort(value: unknown): value is string {
  return typeof value === "string" && value.length <= KEY_BYTES_MAX;
}
