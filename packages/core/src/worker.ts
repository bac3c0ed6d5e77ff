/**
 * What a worker does with one message: the step that the event asks for. Its only output is events, which its host
 * puts; so tracking and continuing cannot disagree.
 */
import * as v from "valibot";
import { finishBackup } from "./backup/finish.ts";
import { planBackup } from "./backup/plan.ts";
import { sliceBackup } from "./backup/slice.ts";
import { FerryError, isThrottled, permanent } from "./errors.ts";
import {
  type BusEvent,
  type Delivery,
  type FerryEvent,
  finishingSchema,
  inWords,
  retrySchema,
  type SegmentWork,
  type TaskAccepted,
  type TaskFinishing,
  type TaskRequested,
  VERSION,
} from "./events.ts";
import { failure } from "./failure.ts";
import { backoffMs } from "./pacing.ts";
import { patient } from "./patience.ts";
import type { Ports } from "./ports.ts";
import { parseRequest, type RequestIssue } from "./request.ts";
import { finishRestore } from "./restore/finish.ts";
import { planRestore } from "./restore/plan.ts";
import { sliceRestore } from "./restore/slice.ts";
import { retry } from "./retry.ts";
import { handedOff, refuseLate, type Standing } from "./segment.ts";
import { spread } from "./spread.ts";
import { identify } from "./task.ts";

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
    if (message.failsAs === undefined || !(error instanceof FerryError) || error.kind !== "permanent")
      throw error;
    return [failure(message.failsAs, message.event, error)];
  }
}

async function step({ id, event }: Delivery, ports: Ports): Promise<readonly FerryEvent[]> {
  switch (event["detail-type"]) {
    case "TaskRequested":
      return plan(event, patient(ports));
    case "TaskRetryRequested":
      return retry(namedIn(event), event, patient(ports));
    case "TaskAccepted": {
      const accepted = detailOf<TaskAccepted>(event);
      return accepted.segments.length > 0
        ? spread(accepted)
        : finishAgain(accepted, event.time, patient(ports));
    }
    case "SegmentQueued":
    case "SegmentProgressed":
      return slice(event, id, ports);
    case "TaskFinishing":
      return finish(event, patient(ports));
    default:
      throw new Error(`no worker has a step for ${event["detail-type"]}`);
  }
}

/**
 * One slice. An event that was delivered twice is two messages: one of them goes on, or every duplicate would be one
 * worker more until the segment ends.
 *
 * Throttling is never a failure before the attempt's deadline, whichever service asks for less: the segment is handed
 * off from where it stands. A failure tells that too: what the archive or the table holds, and where a retry goes on.
 */
async function slice(event: BusEvent, message: string, ports: Ports): Promise<readonly FerryEvent[]> {
  const segment = detailOf<SegmentWork>(event);
  let standing: Standing = { cursor: segment.cursor, counts: segment.counts };
  const stands = (now: Standing) => {
    standing = now;
  };
  try {
    try {
      if (!(await ports.claims.claim(segment, message))) return [];
      return await (segment.task.action === "backup"
        ? sliceBackup(segment, ports, stands)
        : sliceRestore(segment, ports, stands));
    } catch (error) {
      if (!isThrottled(error)) throw error;
      refuseLate(segment, ports);
      await ports.time.sleep(backoffMs(THROTTLED_TRIES, ports.random));
      return [handedOff(segment, standing, true, ports)];
    }
  } catch (error) {
    if (!(error instanceof FerryError) || error.kind !== "permanent") throw error;
    return [failure("SegmentFailed", { ...event, detail: { ...segment, ...standing } }, error)];
  }
}

async function plan(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const { task, requestTimeMs } = identify(event.detail, event);
  const asked = (event.detail as Partial<TaskRequested> | null)?.request;
  const parsed = parseRequest(asked, { requestTimeMs, maximumSegments: ports.settings.maximumSegments });
  if ("issues" in parsed)
    throw permanent("invalid-request", {
      operation: "TaskRequested",
      resource: "request",
      ...told(parsed.issues),
      hint: "Correct every field named and ask again.",
    });
  if (task === undefined) throw new Error("a valid request has no key");
  const { request } = parsed;
  return request.action === "backup"
    ? planBackup(request, task, requestTimeMs, ports)
    : planRestore(request, task, requestTimeMs, ports);
}

async function finish(event: BusEvent, ports: Ports): Promise<readonly FerryEvent[]> {
  const finishing = v.parse(finishingSchema, event.detail);
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

/** The task that an operator names. Permanent error: `invalid-request`. */
function namedIn(event: BusEvent) {
  const parsed = v.safeParse(retrySchema, event.detail);
  if (parsed.success) return parsed.output.task;
  throw permanent("invalid-request", {
    operation: event["detail-type"],
    resource: "detail",
    message: `${inWords(parsed.issues)}.`,
    hint: "Take action, key and timestamp from the task's row in the status table.",
  });
}

/** The detail of a fact: Ferry's own, as the rule's source says, and of this version. */
function detailOf<T extends { readonly version: number }>(event: BusEvent): T {
  const detail = event.detail as T;
  if (detail?.version !== VERSION)
    throw new Error(
      `${event["detail-type"]} has detail version ${detail?.version}; this worker reads ${VERSION}`,
    );
  return detail;
}

/** All issues, unless there are so many that no event could carry them. */
function told(issues: readonly RequestIssue[]) {
  const some = issues.slice(0, ISSUES_MAX);
  const more = issues.length > some.length ? `; and ${issues.length - some.length} more` : "";
  return { message: `${some.map((issue) => issue.message).join("; ")}${more}.`, issues: some };
}
