/**
 * Reads the input of PutEvents: into events, or into the errors that EventBridge returns.
 */
import type { BusEvent } from "@ferry/core/events/events";
import { isObject, type JsonObject, parseObject } from "../json.ts";

/** An event as a rule's target receives it. */
export interface EventEnvelope extends BusEvent {
  readonly version: "0";
  readonly account: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: JsonObject;
}

export type EntryResult =
  | { readonly EventId: string }
  | { readonly ErrorCode: string; readonly ErrorMessage: string };

/** The output of one PutEvents. */
export interface PutEventsOutput {
  readonly FailedEntryCount: number;
  readonly Entries: readonly EntryResult[];
}

/** The account and region of the call, the current time, and a source of event ids. */
export interface PutEventsScope {
  readonly account: string;
  readonly region: string;
  readonly nowMs: number;
  readonly newId: () => string;
}

/** An accepted event and its bus: the name or ARN from the entry. */
export interface Accepted {
  readonly bus: string;
  readonly event: EventEnvelope;
}

/** A refusal of the whole call. */
export class ValidationError extends Error {
  override readonly name = "ValidationException";
}

const ENTRIES_MAX = 10;
const BYTES_MAX = 1024 * 1024;
/** The bytes that EventBridge counts for an entry's Time. */
const TIME_BYTES = 14;

/** Reads a PutEvents input. Throws a ValidationError if the whole call is refused. A wrong entry fails alone. */
export function readPutEvents(
  input: unknown,
  scope: PutEventsScope,
): { output: PutEventsOutput; accepted: readonly Accepted[] } {
  const entries = isObject(input) ? input["Entries"] : undefined;
  if (!Array.isArray(entries) || entries.length === 0)
    throw new ValidationError(
      "1 validation error detected: 'entries' must have length greater than or equal to 1",
    );
  if (entries.length > ENTRIES_MAX)
    throw new ValidationError(
      `1 validation error detected: 'entries' must have length less than or equal to ${ENTRIES_MAX}`,
    );
  if (!entries.every(isObject)) throw new ValidationError("'entries' must hold objects");
  const bytes = entries.reduce((total, entry) => total + entryBytes(entry), 0);
  if (bytes >= BYTES_MAX)
    throw new ValidationError(
      `Total size of the entries in the request is over the limit (${BYTES_MAX} bytes).`,
    );

  const accepted: Accepted[] = [];
  const results = entries.map((entry): EntryResult => {
    const read = readEntry(entry, scope);
    if ("ErrorCode" in read) return read;
    accepted.push(read);
    return { EventId: read.event.id };
  });
  const failed = results.filter((result) => "ErrorCode" in result).length;
  return { output: { FailedEntryCount: failed, Entries: results }, accepted };
}

type EntryError = Extract<EntryResult, { readonly ErrorCode: string }>;

function readEntry(entry: JsonObject, scope: PutEventsScope): EntryError | Accepted {
  for (const field of ["Source", "DetailType", "Detail"])
    if (typeof entry[field] !== "string" || entry[field] === "")
      return invalid(field, `${field} is a required argument.`);
  const source = String(entry["Source"]);
  if (source.startsWith("aws."))
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  const detail = parseObject(String(entry["Detail"]));
  if (detail === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  const timeMs = readTimeMs(entry["Time"], scope.nowMs);
  if (timeMs === undefined) return invalid("Time", "Time is not a timestamp.");
  const resources = entry["Resources"] ?? [];
  if (!Array.isArray(resources) || !resources.every((resource) => typeof resource === "string"))
    return invalid("Resources", "Resources is not a list of strings.");
  const event: EventEnvelope = {
    version: "0",
    id: scope.newId(),
    "detail-type": String(entry["DetailType"]),
    source,
    account: scope.account,
    time: `${new Date(timeMs).toISOString().slice(0, 19)}Z`,
    region: scope.region,
    resources,
    detail,
  };
  return { bus: typeof entry["EventBusName"] === "string" ? entry["EventBusName"] : "default", event };
}

function invalid(field: string, reason: string): EntryError {
  return {
    ErrorCode: "InvalidArgument",
    ErrorMessage: `Parameter ${field} is not valid. Reason: ${reason}`,
  };
}

/** Reads seconds since 1970, or ISO 8601, as EventBridge does. */
function readTimeMs(time: unknown, nowMs: number): number | undefined {
  if (time === undefined || time === null) return nowMs;
  const timeMs =
    typeof time === "number" ? time * 1000 : typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(new Date(timeMs).getTime()) ? undefined : timeMs;
}

/** The size as EventBridge counts it: source, type, detail and resources in UTF-8. */
function entryBytes(entry: JsonObject): number {
  const resources = Array.isArray(entry["Resources"]) ? entry["Resources"] : [];
  const texts = [entry["Source"], entry["DetailType"], entry["Detail"], ...resources];
  const time = entry["Time"] === undefined ? 0 : TIME_BYTES;
  return texts.reduce(
    (total: number, text) => total + (typeof text === "string" ? Buffer.byteLength(text) : 0),
    time,
  );
}
