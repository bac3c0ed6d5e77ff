/**
 * The request in a `TaskRequested`, which has one of three shapes. The routes of the event depend on the same fields (topology.ts).
 */
import { fieldOf } from "../events/schema-parts.ts";

/** The parts of a `TaskRequested`, not yet checked. */
export interface Requested {
  /** Of a message that is not JSON: its text. */
  readonly request: unknown;
  /** The request-ids that the detail names, the caller's own first. */
  readonly requestIds: readonly unknown[];
  readonly requestTime: unknown;
  /** The message of `request-queue` that has the request; absent for a request from the bus. */
  readonly message?: { readonly id: unknown; readonly isJson: boolean };
}

/**
 * The parts of a detail of any shape:
 *
 * - wrapped: `{"request": {"action": …}, "request-id": …}`;
 * - bare: `{"action": …}`;
 * - a message of `request-queue`, as its Pipe puts it: `{"eventSource": "aws:sqs", "messageId": …, "body": …}`. Its body is one of the other
 *   two, as text or parsed: AWS does not say which.
 */
export function requestedBy(detail: unknown): Requested {
  if (isMessage(detail)) return requestedByMessage(detail);
  if (isBare(detail)) return { request: detail, requestIds: [], requestTime: undefined };
  return {
    request: fieldOf(detail, "request"),
    requestIds: [fieldOf(detail, "request-id")],
    requestTime: fieldOf(detail, "request-time"),
  };
}

function requestedByMessage(record: unknown): Requested {
  const body = fieldOf(record, "body");
  const parsed = typeof body === "string" ? parse(body) : { value: body };
  const id = fieldOf(record, "messageId");
  const sentTime = fieldOf(fieldOf(record, "attributes"), "SentTimestamp");
  const message = { id, isJson: parsed !== undefined };
  const isWrapped = !isBare(parsed?.value) && fieldOf(parsed?.value, "request") !== undefined;
  if (parsed === undefined || !isWrapped)
    return {
      request: parsed === undefined ? body : parsed.value,
      requestIds: [id],
      requestTime: sentTime,
      message,
    };
  return {
    request: fieldOf(parsed.value, "request"),
    requestIds: [fieldOf(parsed.value, "request-id"), id],
    requestTime: fieldOf(parsed.value, "request-time") ?? sentTime,
    message,
  };
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Whether a detail is a message's record. No route of an action takes such a detail, so that the backup worker receives it. */
function isMessage(detail: unknown): boolean {
  return (
    fieldOf(detail, "eventSource") === "aws:sqs" &&
    !hasAction(detail) &&
    !hasAction(fieldOf(detail, "request"))
  );
}

function isBare(detail: unknown): boolean {
  return hasAction(detail) && !hasAction(fieldOf(detail, "request"));
}

/** Whether EventBridge finds a value in `action`: not in an object or an empty list. */
function hasAction(value: unknown): boolean {
  const action = fieldOf(value, "action");
  if (Array.isArray(action)) return action.length > 0;
  return action !== undefined && (typeof action !== "object" || action === null);
}
