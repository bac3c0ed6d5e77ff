/**
 * Who a task is: its identity is a pure function of the event that asked for it.
 */
import { fnv1a } from "./hash.ts";
import { expandPrefix } from "./request.ts";
import { msOf } from "./time.ts";

export type Action = "backup" | "restore";

/** The name of one task, as every fact carries it. */
export interface TaskRef {
  /** `{key}@{timestamp}` */
  readonly id: string;
  readonly action: Action;
  /** `{table-region}-{table-name}` of a backup, `{bucket-region}-{bucket-name}-{bucket-prefix}` of a restore. */
  readonly key: string;
  /** The request's time in ms, its last three digits from a hash of `request-id`. */
  readonly timestamp: number;
  readonly "request-id": string;
}

/** The year 2286: what lies beyond is no time in ms. */
const MAX_TIME_MS = 1e13;

/** What can be said of any request, even a malformed one. */
export interface Identity {
  readonly requestId: string;
  readonly requestTimeMs: number;
  /** Absent where the request lacks the fields a key is made of. */
  readonly task?: TaskRef;
}

/** What may name a request: it becomes the fair queue's message group, which takes no more than these. */
const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,128}$/;

/**
 * The identity of the task that a `TaskRequested` event asks for. Total: never throws, whatever the detail.
 * `request-time` (ms since 1970, set by the Pipe from the message's own time, or ISO 8601, set by a schedule) wins over
 * the event's time, so that what is delivered twice is one task.
 */
export function identify(detail: unknown, event: { readonly id: string; readonly time: string }): Identity {
  const given = fieldOf(detail, "request-id");
  const requestId = typeof given === "string" && REQUEST_ID.test(given) ? given : event.id;
  const givenTime = timeOf(fieldOf(detail, "request-time"));
  const requestTimeMs = givenTime > 0 && givenTime < MAX_TIME_MS ? givenTime : msOf(event.time);
  const request = fieldOf(detail, "request");
  // An action that is neither is refused by the backup's plan, and told in the backup's table.
  const action: Action = fieldOf(request, "action") === "restore" ? "restore" : "backup";
  const key = keyOf(action, request, requestTimeMs);
  return {
    requestId,
    requestTimeMs,
    ...(key !== undefined && { task: taskRef(action, key, requestTimeMs, requestId) }),
  };
}

/** Names a task. EventBridge's time has whole seconds: the last three digits tell requests of one second apart. */
export function taskRef(action: Action, key: string, requestTimeMs: number, requestId: string): TaskRef {
  const timestamp = Math.floor(requestTimeMs / 1000) * 1000 + (fnv1a(requestId) % 1000);
  return { id: taskId(key, timestamp), action, key, timestamp, "request-id": requestId };
}

export function taskId(key: string, timestamp: number): string {
  return `${key}@${timestamp}`;
}

/** A number, or the string of one: a Pipe's template may write either. A schedule can write ISO 8601 alone. */
function timeOf(given: unknown): number {
  if (typeof given === "string" && given.includes("T")) return msOf(given);
  return typeof given === "number" || typeof given === "string" ? Number(given) : Number.NaN;
}

function keyOf(action: Action, request: unknown, requestTimeMs: number): string | undefined {
  const table = { region: fieldOf(request, "table-region"), name: fieldOf(request, "table-name") };
  if (action === "backup") return joined(table.region, table.name);
  const prefix = fieldOf(request, "bucket-prefix");
  return joined(
    fieldOf(request, "bucket-region"),
    fieldOf(request, "bucket-name"),
    typeof prefix === "string" && typeof table.name === "string"
      ? expandPrefix(prefix, table.name, requestTimeMs)
      : prefix,
  );
}

/** The parts joined, or nothing where one is no string or the whole would not fit a DynamoDB key (2,048 bytes). */
function joined(...parts: readonly unknown[]): string | undefined {
  if (!parts.every((part) => typeof part === "string" && part.length > 0)) return undefined;
  const key = parts.join("-");
  return new TextEncoder().encode(key).length <= 2048 ? key : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
