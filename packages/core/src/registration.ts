/**
 * Which task a request is. A request-id names one request, and every request has a row of its own; both are settled by
 * notes of who came first, so that a request that is delivered again comes to the same answer.
 */
import { FerryError, permanent } from "./errors.ts";
import type { RegisteredRequest, StatusReader, TaskRegistry } from "./ports.ts";
import { REGISTRATION_DAYS } from "./ports.ts";
import type { TaskRow } from "./projection/status.ts";
import { type Identity, keyOf, type TaskRef, taskRef } from "./task.ts";
import { isoOf } from "./time.ts";

/** Within it the same request under the same request-id is a caller's repeat of it; later it is meant as a new one. */
const REPEAT_MS = 15 * 60_000;
const SLOTS_PER_SECOND = 1000;
/** Requests of one key and one second, or of the seconds after a full one. */
const SLOTS_MAX = 10 * SLOTS_PER_SECOND;

/** A request, and the task that it is. */
export interface Registration {
  /** Absent where the request lacks the fields that a key is made of. */
  readonly task?: TaskRef;
  /** The task's row, as it was read. */
  readonly row?: TaskRow;
  /** The time of the task's first request, ms since 1970. */
  readonly requestTimeMs: number;
  /** Another request that its request-id names: this one must be rejected. */
  readonly namedBefore?: RegisteredRequest;
}

/** As what a task is accepted: its first attempt, or a later one where its row was lost since. Times are ms since 1970. */
export interface Start {
  readonly requestTimeMs: number;
  readonly attempt: number;
  readonly deadlineMs: number;
}

type RegistrationPorts = { readonly registry: TaskRegistry; readonly status: StatusReader };

/** The task of a valid request: from now on its request-id names this request, unless it names another. */
export async function register(asked: Identity, ports: RegistrationPorts): Promise<Registration> {
  const { requestId, digest, requestTimeMs: timeMs } = asked;
  return placed(asked, await ports.registry.registerRequest(requestId, { digest, timeMs }), ports);
}

/**
 * The task of a request that is rejected. Its request-id stays free for the corrected request, unless this very request
 * was registered before.
 */
export async function findRegistration(asked: Identity, ports: RegistrationPorts): Promise<Registration> {
  return placed(asked, await ports.registry.findRequest(asked.requestId), ports);
}

/** Permanent error `request-id-reused`: what the caller is told of a request whose request-id names another. */
export function requestIdReused({ requestId, digest, requestTimeMs }: Identity, named: RegisteredRequest) {
  const at = isoOf(named.timeMs);
  const message =
    named.digest === digest
      ? `it was asked at ${isoOf(requestTimeMs)} with the request-id of the same request of ${at}: a repeat of it would have come within ${REPEAT_MS / 60_000} minutes.`
      : `the request-id names another request, of ${at} with the digest ${named.digest}; the digest of this one is ${digest}.`;
  return permanent("request-id-reused", {
    operation: "TaskRequested",
    resource: `request-id ${requestId}`,
    message,
    hint: `Ask again with a request-id of its own: one names one request for ${REGISTRATION_DAYS} days at least. Without a request-id Ferry gives it one.`,
  });
}

async function placed(
  asked: Identity,
  named: RegisteredRequest | undefined,
  ports: RegistrationPorts,
): Promise<Registration> {
  const same = named === undefined || isRepeat(asked, named);
  const requestTimeMs = same && named !== undefined ? named.timeMs : asked.requestTimeMs;
  const key = keyOf(asked, requestTimeMs);
  const about = { requestTimeMs, ...(!same && { namedBefore: named }) };
  if (key === undefined) return about;
  return { ...about, ...(await ownRow(asked, key, requestTimeMs, ports)) };
}

function isRepeat(asked: Identity, named: RegisteredRequest): boolean {
  return asked.digest === named.digest && Math.abs(asked.requestTimeMs - named.timeMs) <= REPEAT_MS;
}

/**
 * The request's own row: the first slot of its second, from one that its digest chooses on, that no other request has.
 * EventBridge's time has whole seconds, so two requests of one key may well choose the same slot.
 */
async function ownRow(
  asked: Identity,
  key: string,
  requestTimeMs: number,
  { registry, status }: RegistrationPorts,
): Promise<{ task: TaskRef; row?: TaskRow }> {
  const { action, digest } = asked;
  const secondMs = Math.floor(requestTimeMs / 1000) * 1000;
  const first = Number.parseInt(digest.slice(0, 8), 16) % SLOTS_PER_SECOND;
  for (let tries = 0; tries < SLOTS_MAX; tries++) {
    const second = Math.floor(tries / SLOTS_PER_SECOND);
    const slot = (first + tries) % SLOTS_PER_SECOND;
    const at = { action, key, timestamp: secondMs + second * 1000 + slot };
    if (!(await registry.claimRow(at, digest))) continue;
    const task = taskRef(at, asked);
    const row = await status.read(at);
    // The note of an older row may have expired.
    if (row === undefined || isRowOf(row, task)) return { task, ...(row !== undefined && { row }) };
  }
  throw new FerryError("transient", "no-free-row", {
    operation: "TaskRequested",
    resource: `row ${key} at ${isoOf(secondMs)}`,
    message: `${SLOTS_MAX} requests of one key came at one time.`,
    hint: "Ask again a little later.",
  });
}

/** Whether the row is this task's. One that only a cancel made is: it names no task, and nobody else claimed it. */
export function isRowOf(row: TaskRow, task: TaskRef): boolean {
  return row["task-id"] === undefined ? row["request-id"] === undefined : row["task-id"] === task.id;
}
