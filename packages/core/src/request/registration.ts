/**
 * Assigns a task to a request. A request-id names one request, and every request has its own row. The first
 * registration of either applies, so that a redelivered request gets the same task.
 */
import { FerryError, permanent } from "../errors/errors.ts";
import type { RegisteredRequest, StatusReader, TaskRegistry } from "../ports.ts";
import { REGISTRATION_DAYS } from "../ports.ts";
import type { TaskRow } from "../projection/status.ts";
import { isoOf } from "../time.ts";
import { type Identity, rowKeyOf, type TaskRef, taskRef } from "./task.ts";

/** Within this time the same request under the same request-id is a repeat; later it is rejected. */
const REPEAT_MS = 15 * 60_000;
const SLOTS_PER_SECOND = 1000;
/** The most rows that are tried for one request: the slots of its second, then of the following seconds. */
const SLOTS_MAX = 10 * SLOTS_PER_SECOND;

/** The task of a request. */
export interface Registration {
  /** Absent if the request lacks the fields that form a key. */
  readonly task?: TaskRef;
  /** The task's row. */
  readonly row?: TaskRow;
  /** The time of the task's first request, ms since 1970. */
  readonly requestTimeMs: number;
  /** Another request that has the request-id: this one must be rejected. */
  readonly registeredRequest?: RegisteredRequest;
}

/** The attempt with which a task is accepted: the first, or a later one if its row was lost. Times are ms since 1970. */
export interface Start {
  readonly requestTimeMs: number;
  readonly attempt: number;
  readonly deadlineMs: number;
}

type RegistrationPorts = { readonly registry: TaskRegistry; readonly status: StatusReader };

/** The task of a valid request. Registers its request-id for this request, unless it is registered for another. */
export async function register(identity: Identity, ports: RegistrationPorts): Promise<Registration> {
  const { requestId, digest, requestTimeMs: timeMs } = identity;
  return registrationOf(identity, await ports.registry.registerRequest(requestId, { digest, timeMs }), ports);
}

/**
 * The task of a request that is rejected. Its request-id is not registered, so the corrected request can use it, unless
 * this request was registered before.
 */
export async function findRegistration(identity: Identity, ports: RegistrationPorts): Promise<Registration> {
  return registrationOf(identity, await ports.registry.findRequest(identity.requestId), ports);
}

/** Permanent error `request-id-reused`, for a request whose request-id is registered for another request. */
export function requestIdReused(
  { requestId, digest, requestTimeMs }: Identity,
  registered: RegisteredRequest,
) {
  const registeredTime = isoOf(registered.timeMs);
  const message =
    registered.digest === digest
      ? `The same request was registered at ${registeredTime}, and this one is from ${isoOf(requestTimeMs)}; a repeat must come within ${REPEAT_MS / 60_000} minutes.`
      : `The request-id ${requestId} was registered at ${registeredTime} for another request, with the digest ${registered.digest}; the digest of this request is ${digest}.`;
  return permanent("request-id-reused", {
    operation: "TaskRequested",
    resource: `request-id ${requestId}`,
    message,
    hint: `Send the request with a new request-id, or without one. A request-id stays registered for at least ${REGISTRATION_DAYS} days.`,
  });
}

async function registrationOf(
  identity: Identity,
  registered: RegisteredRequest | undefined,
  ports: RegistrationPorts,
): Promise<Registration> {
  const same = registered === undefined || isRepeat(identity, registered);
  const requestTimeMs = same && registered !== undefined ? registered.timeMs : identity.requestTimeMs;
  const key = rowKeyOf(identity, requestTimeMs);
  const registration = { requestTimeMs, ...(!same && { registeredRequest: registered }) };
  if (key === undefined) return registration;
  return { ...registration, ...(await claimRow(identity, key, requestTimeMs, ports)) };
}

function isRepeat(identity: Identity, registered: RegisteredRequest): boolean {
  return (
    identity.digest === registered.digest && Math.abs(identity.requestTimeMs - registered.timeMs) <= REPEAT_MS
  );
}

/**
 * The request's own row: the first slot in its second that no other request has. The search starts at a slot that the
 * digest chooses. EventBridge's times are whole seconds, so two requests with one key may start at the same slot.
 */
async function claimRow(
  identity: Identity,
  key: string,
  requestTimeMs: number,
  { registry, status }: RegistrationPorts,
): Promise<{ task: TaskRef; row?: TaskRow }> {
  const { action, digest } = identity;
  const secondMs = Math.floor(requestTimeMs / 1000) * 1000;
  const first = Number.parseInt(digest.slice(0, 8), 16) % SLOTS_PER_SECOND;
  for (let tries = 0; tries < SLOTS_MAX; tries++) {
    const second = Math.floor(tries / SLOTS_PER_SECOND);
    const slot = (first + tries) % SLOTS_PER_SECOND;
    const at = { action, key, timestamp: secondMs + second * 1000 + slot };
    if (!(await registry.claimRow(at, digest))) continue;
    const task = taskRef(at, identity);
    const row = await status.read(at);
    // The claim of an older row may have expired.
    if (row === undefined || isRowOf(row, task)) return { task, ...(row !== undefined && { row }) };
  }
  throw new FerryError("transient", "no-free-row", {
    operation: "TaskRequested",
    resource: `row ${key} at ${isoOf(secondMs)}`,
    message: `${SLOTS_MAX} requests with the key ${key} came at the same time.`,
    hint: "Send the request again later.",
  });
}

/**
 * Whether the row belongs to this task. A row that only a cancel created names no task, and belongs to the task that
 * claimed it.
 */
export function isRowOf(row: TaskRow, task: TaskRef): boolean {
  return row["task-id"] === undefined ? row["request-id"] === undefined : row["task-id"] === task.id;
}
