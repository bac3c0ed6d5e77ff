/**
 * The request in a `TaskRequested`, which has one of three shapes. The routes of the event depend on the same fields (topology.ts).
 */
import { fieldOf } from "../events/schema-parts.ts";

/** The parts of a `TaskRequested`, not yet checked. */
export interface Requested {
  readonly request: unknown;
  /** The request-ids that the detail names, the caller's own first. */
  readonly requestIds: readonly unknown[];
  readonly requestTime: unknown;
}

/**
 * The parts of a detail of any shape:
 *
 * - wrapped: `{"request": {"action": …}, "request-id": …}`. A bare message on the queue becomes this one by its Pipe;
 * - bare: `{"action": …}`;
 * - wrapped in a message, which the Pipe wraps again: `{"request": {"request": {"action": …}, "request-id": …}, "request-id": …}`.
 */
export function requestedBy(detail: unknown): Requested {
  const outer = fieldOf(detail, "request");
  const inner = fieldOf(outer, "request");
  if (!hasAction(outer) && hasAction(inner))
    return {
      request: inner,
      requestIds: [fieldOf(outer, "request-id"), fieldOf(detail, "request-id")],
      requestTime: fieldOf(outer, "request-time") ?? fieldOf(detail, "request-time"),
    };
  if (!hasAction(outer) && hasAction(detail))
    return { request: detail, requestIds: [], requestTime: undefined };
  return {
    request: outer,
    requestIds: [fieldOf(detail, "request-id")],
    requestTime: fieldOf(detail, "request-time"),
  };
}

/** Whether EventBridge finds a value in `action`: an object or an empty list is none. */
function hasAction(value: unknown): boolean {
  const action = fieldOf(value, "action");
  if (Array.isArray(action)) return action.length > 0;
  return action !== undefined && (typeof action !== "object" || action === null);
}
