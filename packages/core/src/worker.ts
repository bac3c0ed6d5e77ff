/**
 * A worker processes one message by running the step that the event requests. Its only output is events, which the host
 * puts. The same events update the status and continue the task, so the two cannot disagree.
 */
import { finishBackup } from "./backup/finish.ts";
import { planBackup } from "./backup/plan.ts";
import { sliceBackup } from "./backup/slice.ts";
import { assertBeforeDeadline } from "./control/cancellation.ts";
import { controlRefused } from "./control/control.ts";
import { nearestRows } from "./control/nearest-rows.ts";
import { acceptedAgain, retry, unfinished } from "./control/retry.ts";
import { type FerryError, isPermanent, isThrottled, permanent } from "./errors/errors.ts";
import { cutNesting } from "./errors/nesting.ts";
import { quoted } from "./errors/quote.ts";
import {
  type BusEvent,
  type Delivery,
  type FerryEvent,
  isBackup,
  type TaskAccepted,
  type TaskFinishing,
  type TaskRequested,
} from "./events/events.ts";
import { readDetail, readFinishing } from "./events/read-event.ts";
import { backoffMs } from "./pacing/pacing.ts";
import { withThrottleRetry } from "./pacing/throttle-retry.ts";
import type { Ports } from "./ports.ts";
import { isEnded, stateOf } from "./projection/status.ts";
import { findRegistration, type Registration, register, requestIdReused } from "./request/registration.ts";
import { parseRequest, type RequestIssue } from "./request/request.ts";
import { type Identity, identify } from "./request/task.ts";
import { awaitTable, isCreated } from "./restore/create-table.ts";
import { endSegment, writerOf } from "./restore/end-segment.ts";
import { finishRestore } from "./restore/finish.ts";
import { planRestore } from "./restore/plan.ts";
import { sliceRestore } from "./restore/slice.ts";
import { isSeries } from "./restore/windows.ts";
import { type Checkpoint, handoffEvent, segmentCompleted } from "./segment/checkpoint.ts";
import { failure } from "./segment/failure.ts";
import { fanOut } from "./segment/fan-out.ts";

/** The backoff begins here after the clients' own tries are used up: up to about three seconds. */
const THROTTLED_TRIES = 5;
/** The most issues that are reported for one request. */
const ISSUES_MAX = 100;

/**
 * Processes a message of `backup-queue` or `restore-queue`. Returns the events that conclude it; the host must put them
 * before it deletes the message. A permanent error becomes the failure event that `failsAs` names; all other errors are
 * thrown, and the queue delivers the message again.
 */
export async function work(message: Delivery, ports: Ports): Promise<readonly FerryEvent[]> {
  try {
    return await step(message, ports);
  } catch (error) {
    if (message.failsAs === undefined || !isPermanent(error)) throw error;
    const { event } = message;
    if (event["detail-type"] === "TaskRetryRequested")
      return [controlRefused("retry", event, error, await nearestRows("retry", event.detail, ports.search))];
    return [failure(message.failsAs, event, error)];
  }
}

async function step({ id, event }: Delivery, ports: Ports): Promise<readonly FerryEvent[]> {
  switch (event["detail-type"]) {
    case "TaskRequested":
      return plan(event, withThrottleRetry(ports));
    case "TaskRetryRequested":
      return retry(event, withThrottleRetry(ports));
    case "TaskAccepted": {
      const accepted = readDetail("TaskAccepted", event);
      const { plan } = accepted;
      const waiting = isCreated(plan)
        ? await awaitTable({ ...accepted, plan }, withThrottleRetry(ports))
        : undefined;
      if (waiting !== undefined) return waiting;
      return accepted.segments.length > 0
        ? fanOut(accepted)
        : finishAgain(accepted, event.time, withThrottleRetry(ports));
    }
    case "SegmentQueued":
    case "SegmentProgressed":
      return slice(event["detail-type"], event, id, ports);
    case "TaskFinishing":
      return finish(event, withThrottleRetry(ports));
    default:
      throw new Error(`no worker has a step for ${event["detail-type"]}`);
  }
}

/**
 * Runs one slice. An event that is delivered twice is two messages. Only one of them continues: otherwise each duplicate
 * would add a worker until the segment ends. The segment's completion is recorded before its event is put, so that a
 * duplicate of the request has the same result even if the row is lost.
 *
 * Throttling by any service is not a failure before the attempt's deadline: the segment is handed off from its
 * checkpoint. A failure event carries the checkpoint too: the counts of stored or written items, and where a retry continues.
 */
async function slice(
  type: "SegmentQueued" | "SegmentProgressed",
  event: BusEvent,
  message: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const segment = readDetail(type, event);
  const { claims, registry } = withThrottleRetry(ports);
  const { plan } = segment;
  const series = isSeries(plan) ? { ...segment, plan } : undefined;
  const writer = series && writerOf(ports);
  let checkpoint: Checkpoint = { cursor: segment.cursor, counts: segment.counts };
  const onCheckpoint = (latest: Checkpoint) => {
    checkpoint = latest;
  };
  try {
    try {
      const claim = await ports.claims.claim(segment, message, writer);
      if (claim.outcome === "taken") return [];
      // A backup reads its progress from the archive: the chain shows whether it is complete, or that the prefix was wiped.
      const isKnown = claim.outcome === "completed" && segment.task.action === "restore";
      let events: readonly FerryEvent[] = [];
      if (isKnown) events = [segmentCompleted(segment, claim.counts, segment.usage)];
      else
        try {
          events = await (isBackup(plan)
            ? sliceBackup({ ...segment, plan }, ports, onCheckpoint)
            : sliceRestore({ ...segment, plan }, ports, onCheckpoint));
        } finally {
          // All its calls have settled.
          if (writer !== undefined) await claims.leave(segment, writer.id);
        }
      const done = events.find((one) => one.type === "SegmentCompleted");
      if (done !== undefined) {
        if (!isKnown) await claims.complete(segment, done.detail.counts);
        if (series !== undefined)
          events = await endSegment(series, done, checkpoint, { ...ports, claims, registry });
      }
      // The task continues without this slice according to its row. If the row is wrong, the next message may claim the slice.
      if (events.length === 0) await claims.release(segment);
      return events;
    } catch (error) {
      if (!isThrottled(error)) throw error;
      assertBeforeDeadline(segment, ports);
      await ports.time.sleep(backoffMs(THROTTLED_TRIES, ports.random));
      return [handoffEvent(segment, checkpoint, true, ports)];
    }
  } catch (error) {
    if (!isPermanent(error)) throw error;
    await claims.release(segment);
    return [failure("SegmentFailed", { ...event, detail: { ...segment, ...checkpoint } }, error)];
  }
}

/** Plans a request, continues one that was accepted before, or rejects it in the row of its task. */
async function plan(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const identity = identify(event.detail, event);
  const issues = issuesOf(identity, ports);
  if (identity.message !== undefined && identity.action === "restore") return [forwarded(identity)];
  const registration =
    issues.length === 0 ? await register(identity, ports) : await findRegistration(identity, ports);
  try {
    if (identity.message?.isJson === false) throw notJson(identity);
    if (issues.length > 0) throw invalid(issues);
    return await planRegistered(identity, registration, ports);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    return [failure("TaskRejected", event, error, registration.task)];
  }
}

/** Requests a restore again in the shape that its route to the restore worker reads. */
function forwarded({ request, requestId, requestTimeMs, message }: Identity): FerryEvent {
  // Each delivery of the message must have the same time. The restore worker rejects one that is wrong.
  const detail = { request, "request-id": requestId, "request-time": message?.requestTime ?? requestTimeMs };
  // A text that is nested too deeply can be read, but not written.
  return { type: "TaskRequested", detail: cutNesting(detail) as TaskRequested };
}

function notJson({ request, message }: Identity): FerryError {
  const text = String(request);
  return permanent("invalid-request", {
    operation: "TaskRequested",
    resource: `message ${message?.id} of request-queue`,
    message: `The message ${message?.id} of request-queue is not JSON: its ${text.length} characters begin with ${quoted(text)}.`,
    hint: "It is deleted from the queue; the field work of this event has its text, of a long one the beginning. Send a request as JSON.",
  });
}

async function planRegistered(
  identity: Identity,
  { task, row, requestTimeMs, registeredRequest }: Registration,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  if (registeredRequest !== undefined) throw requestIdReused(identity, registeredRequest);
  const parsed = parse(identity, requestTimeMs, ports);
  if ("issues" in parsed) throw invalid(parsed.issues);
  if (task === undefined)
    throw invalid([
      { field: "request", message: "The fields that form the key of its row are too long together" },
    ]);
  const { request } = parsed;
  const known = row?.plan === undefined ? undefined : row;
  // The row may lag behind a retry, or have been deleted. Workers would skip events of an earlier attempt.
  const attempt = await ports.registry.raiseAttempt(task, known?.attempt ?? 1);
  const startMs = attempt === 1 ? requestTimeMs : Math.floor(ports.time.now());
  const deadlineMs = startMs + ports.settings.taskTimeoutMs;
  if (known?.plan !== undefined) {
    // A redelivery. The accepted task is running or has ended; it is not planned again, since its prefix may be wiped.
    if (isEnded(stateOf(known))) return [];
    // The row may have been deleted and created again from later facts. Its missing segments then report their results again.
    const open = unfinished(known).filter((segment) => (known.failed[segment] ?? 0) < attempt);
    return [acceptedAgain(known, known.plan, attempt, open, deadlineMs)];
  }
  const start = { requestTimeMs, attempt, deadlineMs };
  return request.action === "backup"
    ? planBackup(request, task, start, ports)
    : planRestore(request, task, start, ports);
}

function parse(identity: Identity, requestTimeMs: number, { settings }: Ports) {
  return parseRequest(identity.request, { requestTimeMs, ...settings });
}

function issuesOf(identity: Identity, ports: Ports): readonly RequestIssue[] {
  const parsed = parse(identity, identity.requestTimeMs, ports);
  return [
    ...("issues" in parsed ? parsed.issues : []),
    ...(identity.timeIssue === undefined ? [] : [identity.timeIssue]),
  ];
}

function invalid(issues: readonly RequestIssue[]): FerryError {
  return permanent("invalid-request", {
    operation: "TaskRequested",
    resource: "request",
    ...reportedIssues(issues),
    hint: "Correct each field that is named, and send the request again.",
  });
}

async function finish(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const finishing = readFinishing(event);
  const row = await ports.status.read(finishing.task);
  // A duplicate announcement of a task that is finished.
  if (row?.finished === true) return [];
  return finishTask(finishing, event.time, ports);
}

/** Finishes a task whose retry found every segment complete: the `TaskFinishing` announcement may have been lost. */
async function finishAgain(
  { task, plan, attempt }: TaskAccepted,
  time: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const row = await ports.status.read(task);
  if (row?.finished === true) return [];
  // A complete segment stays complete, and the retry read a row in which all were.
  if (row === undefined || row.completed.length < row.total) throw new Error(`${task.id} is not complete`);
  return finishTask(
    { task, plan, attempt, "transferred-items": row.items, "transferred-bytes": row.bytes },
    time,
    ports,
  );
}

async function finishTask(
  finishing: TaskFinishing,
  time: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const { plan } = finishing;
  return isBackup(plan)
    ? finishBackup({ ...finishing, plan }, time, ports)
    : finishRestore({ ...finishing, plan }, ports);
}

/** The issues as error fields, limited in number so that they fit an event. */
function reportedIssues(issues: readonly RequestIssue[]) {
  const some = issues.slice(0, ISSUES_MAX);
  const more = issues.length > some.length ? `; and ${issues.length - some.length} more` : "";
  return { message: `${some.map((issue) => issue.message).join("; ")}${more}.`, issues: some };
}
