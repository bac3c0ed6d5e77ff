/**
 * What a worker does with one message: the step that the event asks for. Its only output is events, which its host
 * puts; so tracking and continuing cannot disagree.
 */
import { finishBackup } from "./backup/finish.ts";
import { planBackup } from "./backup/plan.ts";
import { sliceBackup } from "./backup/slice.ts";
import { assertBeforeDeadline } from "./cancellation.ts";
import { type Checkpoint, handoffEvent, segmentCompleted } from "./checkpoint.ts";
import { controlRefused } from "./control.ts";
import { type FerryError, isPermanent, isThrottled, permanent } from "./errors.ts";
import type { BusEvent, Delivery, FerryEvent, TaskAccepted, TaskFinishing } from "./events.ts";
import { failure } from "./failure.ts";
import { fanOut } from "./fan-out.ts";
import { backoffMs } from "./pacing.ts";
import type { Ports } from "./ports.ts";
import { isEnded, stateOf } from "./projection/status.ts";
import { readDetail, readFinishing } from "./read-event.ts";
import { findRegistration, type Registration, register, requestIdReused } from "./registration.ts";
import { parseRequest, type RequestIssue } from "./request.ts";
import { finishRestore } from "./restore/finish.ts";
import { planRestore } from "./restore/plan.ts";
import { sliceRestore } from "./restore/slice.ts";
import { acceptedAgain, retry, unfinished } from "./retry.ts";
import { type Identity, identify } from "./task.ts";
import { withThrottleRetry } from "./throttle-retry.ts";

/** Where the clients gave up trying, the wait begins here: up to about three seconds. */
const THROTTLED_TRIES = 5;
/** Issues of one request that are told. */
const ISSUES_MAX = 100;

/**
 * Processes a message of `backup-queue` or `restore-queue`; returns the events that conclude it, to be put before the
 * message is deleted. A permanent error becomes the failure that the message's `failsAs` names; all other errors are
 * thrown, and the queue tries again.
 */
export async function work(message: Delivery, ports: Ports): Promise<readonly FerryEvent[]> {
  try {
    return await step(message, ports);
  } catch (error) {
    if (message.failsAs === undefined || !isPermanent(error)) throw error;
    if (message.event["detail-type"] === "TaskRetryRequested")
      return [controlRefused("retry", message.event, error)];
    return [failure(message.failsAs, message.event, error)];
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
 * One slice. An event that was delivered twice is two messages: one of them goes on, or every duplicate would be one
 * worker more until the segment ends. What became of the segment is noted before its event is put: if its row is lost, a
 * duplicate of the request comes to the same end.
 *
 * Throttling is never a failure before the attempt's deadline, whichever service asks for less: the segment is handed
 * off from where it stands. A failure tells that too: what the archive or the table holds, and where a retry goes on.
 */
async function slice(
  type: "SegmentQueued" | "SegmentProgressed",
  event: BusEvent,
  message: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const segment = readDetail(type, event);
  const { claims } = withThrottleRetry(ports);
  let standing: Checkpoint = { cursor: segment.cursor, counts: segment.counts };
  const stands = (now: Checkpoint) => {
    standing = now;
  };
  try {
    try {
      const claim = await ports.claims.claim(segment, message);
      if (claim.outcome === "taken") return [];
      // A backup's journal is its archive: its chain tells whether it is complete, and is gone if the prefix was wiped.
      if (claim.outcome === "completed" && segment.task.action === "restore")
        return [segmentCompleted(segment, claim.counts)];
      const events = await (segment.task.action === "backup"
        ? sliceBackup(segment, ports, stands)
        : sliceRestore(segment, ports, stands));
      const done = events.find((one) => one.type === "SegmentCompleted");
      if (done !== undefined) await claims.complete(segment, done.detail.counts);
      // The task goes on without this slice, or its row says so: if it does not, the next message that asks may.
      if (events.length === 0) await claims.release(segment);
      return events;
    } catch (error) {
      if (!isThrottled(error)) throw error;
      assertBeforeDeadline(segment, ports);
      await ports.time.sleep(backoffMs(THROTTLED_TRIES, ports.random));
      return [handoffEvent(segment, standing, true, ports)];
    }
  } catch (error) {
    if (!isPermanent(error)) throw error;
    await claims.release(segment);
    return [failure("SegmentFailed", { ...event, detail: { ...segment, ...standing } }, error)];
  }
}

/** A request: it is planned, goes on where it was accepted before, or is rejected in the row of its task. */
async function plan(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const asked = identify(event.detail, event);
  const issues = issuesOf(asked, ports);
  const registration =
    issues.length === 0 ? await register(asked, ports) : await findRegistration(asked, ports);
  try {
    if (issues.length > 0) throw invalid(issues);
    return await planned(asked, registration, ports);
  } catch (error) {
    if (!isPermanent(error)) throw error;
    return [failure("TaskRejected", event, error, registration.task)];
  }
}

async function planned(
  asked: Identity,
  { task, row, requestTimeMs, namedBefore }: Registration,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  if (namedBefore !== undefined) throw requestIdReused(asked, namedBefore);
  const parsed = parsedAt(asked, requestTimeMs, ports);
  if ("issues" in parsed) throw invalid(parsed.issues);
  if (task === undefined)
    throw invalid([
      { field: "request", message: "the names that the key of its row is made of are too long" },
    ]);
  const { request } = parsed;
  const known = row?.plan === undefined ? undefined : row;
  // The row may lag behind a retry, or have been deleted: the work of an attempt that was left is nobody's.
  const attempt = await ports.registry.raiseAttempt(task, known?.attempt ?? 1);
  const startMs = attempt === 1 ? requestTimeMs : ports.time.now();
  const deadlineMs = startMs + ports.settings.taskTimeoutMs;
  if (known?.plan !== undefined) {
    // Delivered again: what was accepted is under way, or over, and its prefix may have been wiped since.
    if (isEnded(stateOf(known))) return [];
    // The row may have been deleted and made anew by later facts: the segments that it misses say again how they ended.
    const open = unfinished(known).filter((segment) => (known.failed[segment] ?? 0) < attempt);
    return [acceptedAgain(known, known.plan, attempt, open, deadlineMs)];
  }
  const start = { requestTimeMs, attempt, deadlineMs };
  return request.action === "backup"
    ? planBackup(request, task, start, ports)
    : planRestore(request, task, start, ports);
}

function parsedAt(asked: Identity, requestTimeMs: number, { settings }: Ports) {
  return parseRequest(asked.request, { requestTimeMs, maximumSegments: settings.maximumSegments });
}

function issuesOf(asked: Identity, ports: Ports): readonly RequestIssue[] {
  const parsed = parsedAt(asked, asked.requestTimeMs, ports);
  return [
    ...("issues" in parsed ? parsed.issues : []),
    ...(asked.timeIssue === undefined ? [] : [asked.timeIssue]),
  ];
}

function invalid(issues: readonly RequestIssue[]): FerryError {
  return permanent("invalid-request", {
    operation: "TaskRequested",
    resource: "request",
    ...told(issues),
    hint: "Correct every field named and ask again.",
  });
}

async function finish(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const finishing = readFinishing(event);
  const row = await ports.status.read(finishing.task);
  // A second announcement, after the first one was finished.
  if (row?.finished === true) return [];
  return finishTask(finishing, event.time, ports);
}

/** A retry that found every segment complete: the announcement that they are may have been lost. */
async function finishAgain(
  { task, plan, attempt }: TaskAccepted,
  time: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const row = await ports.status.read(task);
  if (row?.finished === true) return [];
  // Segments complete for good, so the retry's row had them all.
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
  return finishing.task.action === "backup"
    ? finishBackup(finishing, time, ports)
    : finishRestore(finishing, ports);
}

/** All issues, unless there are so many that no event could carry them. */
function told(issues: readonly RequestIssue[]) {
  const some = issues.slice(0, ISSUES_MAX);
  const more = issues.length > some.length ? `; and ${issues.length - some.length} more` : "";
  return { message: `${some.map((issue) => issue.message).join("; ")}${more}.`, issues: some };
}
