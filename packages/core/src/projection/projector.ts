/**
 * The projector: it projects a batch of messages, with one write for the facts of each task.
 */
import * as v from "valibot";
import { controlRefused } from "../control/control.ts";
import { nearestRows } from "../control/nearest-rows.ts";
import { FerryError, isPermanent, permanent } from "../errors/errors.ts";
import {
  ATTEMPTS_EXHAUSTED,
  type BusEvent,
  type Failure,
  type FerryEvent,
  type Message,
  segmentWorkSchema,
} from "../events/events.ts";
import { readDetail } from "../events/read-event.ts";
import type { LastErrors, RowSearch, SliceClaims, StatusStore, TaskRegistry } from "../ports.ts";
import { findRegistration } from "../request/registration.ts";
import { identify, rowName, type TaskRef } from "../request/task.ts";
import { type CancelOfCurrent, type Fact, factOf } from "./facts.ts";
import { project } from "./project.ts";
import { announcementOf, rankOf, type SegmentRecord, stateOf, type TaskRow, withoutMark } from "./status.ts";

/** How many times a row is read and written again under concurrent writes. Contention ends well before this limit. */
const WRITES_MAX = 50;

/** The ports of the projector. */
export interface ProjectionPorts {
  readonly store: StatusStore;
  readonly registry: TaskRegistry;
  readonly claims: SliceClaims;
  readonly search: RowSearch;
  readonly lastErrors: LastErrors;
}

/** A message of `projection-queue`. */
export interface FactMessage {
  readonly id: string;
  readonly message: Message;
}

/** A message that could not be projected. It returns to its queue, and finally becomes a dead letter. */
export interface Unprojected {
  readonly id: string;
  readonly error: unknown;
}

/** The result of a batch. A message that is in none of these lists is projected. */
export interface BatchResult {
  readonly failed: readonly Unprojected[];
  /** Refused cancels. Each message is done when its event is put. */
  readonly refused: readonly { readonly id: string; readonly event: FerryEvent }[];
  /** Rejections of requests without a row. Only the event reports them. */
  readonly withoutRow: readonly string[];
}

interface Numbered {
  readonly id: string;
  readonly fact: Fact | CancelOfCurrent;
  readonly event: BusEvent;
}

/** Projects a batch. A repeated message changes nothing; a refused cancel is refused again. */
export async function projectBatch(
  messages: readonly FactMessage[],
  ports: ProjectionPorts,
): Promise<BatchResult> {
  const failed: Unprojected[] = [];
  const refused: { id: string; event: FerryEvent }[] = [];
  const withoutRow: string[] = [];
  const tasks = new Map<string, Numbered[]>();
  const onError = async ({ id, event }: { id: string; event: BusEvent }, error: unknown) => {
    if (event["detail-type"] !== "TaskCancelRequested" || !isPermanent(error)) {
      failed.push({ id, error });
      return;
    }
    const nearest = await nearestRows("cancel", event.detail, ports.search);
    refused.push({ id, event: controlRefused("cancel", event, error, nearest) });
  };
  for (const { id, message } of messages) {
    try {
      const event = await resolve(message.event, ports);
      const fact = factOf(event);
      if (fact === undefined) {
        if (event["detail-type"] === "TaskRejected") withoutRow.push(id);
        continue;
      }
      const row = `${fact.row.action} ${rowName(fact.row)}`;
      tasks.set(row, [...(tasks.get(row) ?? []), { id, fact, event }]);
    } catch (error) {
      await onError({ id, event: message.event }, error);
    }
  }
  await Promise.all(
    [...tasks.values()].map(async (facts) => {
      try {
        for (const { one, error } of await projectTask(facts, ports)) await onError(one, error);
      } catch (error) {
        failed.push(...facts.map(({ id }) => ({ id, error })));
      }
    }),
  );
  return { failed, refused, withoutRow };
}

/**
 * Completes a failure event from the Pipe `report-failures`, for a message whose attempts ran out. It adds the last error of the
 * workers and the task of a rejected request, and releases the claim of a segment, because its message is not delivered again.
 */
async function resolve(
  event: BusEvent,
  { store, registry, claims, lastErrors }: ProjectionPorts,
): Promise<BusEvent> {
  const type = event["detail-type"];
  if (type !== "TaskRejected" && type !== "SegmentFailed" && type !== "TaskStepFailed") return event;
  const reported = readDetail(type, event);
  refuseAddedFields(event, reported);
  const detail = reported.cause === ATTEMPTS_EXHAUSTED ? await withLastError(reported, lastErrors) : reported;
  if (type === "TaskRejected" && detail.task === undefined) {
    const identity = identify(detail.work, { id: detail["event-id"], time: detail.time });
    const { task } = await findRegistration(identity, { registry, status: store });
    return { ...event, detail: { ...detail, ...(task !== undefined && { task }) } };
  }
  if (type === "SegmentFailed" && detail.cause === ATTEMPTS_EXHAUSTED) {
    // A malformed segment event has no claim, because no worker could read it.
    const parsed = v.safeParse(segmentWorkSchema, detail.work);
    if (parsed.success) await claims.release(parsed.output);
  }
  return { ...event, detail };
}

/** Every delivery of the event gets the same error, so that the row does not depend on their order. */
async function withLastError(failure: Failure, lastErrors: LastErrors): Promise<Failure> {
  const error = await lastErrors.read(failure["event-id"]);
  return error === undefined ? failure : { ...failure, error: { ...error, retryable: true } };
}

/** The Pipe does not escape strings, so a message that no rule sent could add fields. Only a worker's failure has these two. */
function refuseAddedFields(event: BusEvent, { cause, error, task }: Failure): void {
  if (cause !== ATTEMPTS_EXHAUSTED || (error === undefined && task === undefined)) return;
  throw new FerryError("transient", "malformed-event", {
    operation: "read event",
    resource: `${event["detail-type"]} ${event.id}`,
    message: `The field detail.${error === undefined ? "task" : "error"} must be absent if the cause is ${cause}.`,
    hint: "A message in redrive-queue was not sent by one of Ferry's rules: find out which system sent it.",
  });
}

interface NotJoined {
  readonly one: Numbered;
  readonly error: unknown;
}

/**
 * Projects one task's facts: writes its segments' records, then its row in one write, or in two if a state is announced
 * again.
 */
async function projectTask(
  facts: readonly Numbered[],
  ports: ProjectionPorts,
): Promise<readonly NotJoined[]> {
  const { store } = ports;
  await Promise.all(highest(facts).map((record) => store.raise(record)));
  for (let tries = 0; tries < WRITES_MAX; tries++) {
    const read = await store.read(facts[0]!.fact.row);
    const before = read && withoutMark(read);
    const { row, refused } = await join(before, facts, ports);
    if (row === undefined || row === read) return refused;
    const next = read === undefined ? row : announceable(read, row);
    const written = await store.write({ ...next, rev: (read?.rev ?? 0) + 1 }, read?.rev);
    if (written && next === row) return refused;
  }
  throw new Error(`another projector wrote the row ${WRITES_MAX} times in a row`);
}

/**
 * The row to write next. The Pipes announce a change of state. If a later attempt ends in the same state as the one before,
 * the row must first leave that state, or the second end would not be announced.
 */
function announceable(read: TaskRow, after: TaskRow): TaskRow {
  const state = stateOf(after);
  const again = state === stateOf(read) && after.attempt > read.attempt;
  const isAnnounced = announcementOf(state) !== undefined && state !== "succeeded";
  return again && isAnnounced ? { ...read, attempt: after.attempt, reannounce: true } : after;
}

async function join(before: TaskRow | undefined, facts: readonly Numbered[], { registry }: ProjectionPorts) {
  let row = before;
  const refused: NotJoined[] = [];
  for (const one of facts) {
    const { fact, event } = one;
    const error =
      foreign(row, fact) ??
      (row === undefined ? await unknownTask(fact, registry) : undefined) ??
      (await unbegunAttempt(row, fact, registry));
    if (error !== undefined) refused.push({ one, error });
    else if (fact.kind === "cancelCurrent")
      row = project(row, await cancelOfCurrent(row, fact, event.id, registry));
    else row = project(row, fact);
  }
  return { row, refused };
}

/**
 * The cancel with the attempt that was current at its first delivery. A later delivery cancels the same attempt, so it does not
 * undo a retry that came in between.
 */
async function cancelOfCurrent(
  row: TaskRow | undefined,
  { row: named, time }: CancelOfCurrent,
  eventId: string,
  registry: TaskRegistry,
): Promise<Fact> {
  const current = await highestAttempt(row, registry);
  const attempt = await registry.recordControl(named, eventId, current);
  return { kind: "cancel", row: named, time, attempt };
}

/** The highest attempt that has begun. The row may lag behind it. A row that only a cancel created has had no retry. */
async function highestAttempt(row: TaskRow | undefined, registry: TaskRegistry): Promise<number> {
  const task = row && taskOf(row);
  return task === undefined ? 1 : registry.raiseAttempt(task, row!.attempt);
}

/**
 * The error of a fact that belongs to another task than the row. Each task has its own row, so usually a cancel names
 * the wrong one.
 */
function foreign(row: TaskRow | undefined, { row: named }: Numbered["fact"]): FerryError | undefined {
  const isOther = (ofRow: string | undefined, ofFact: string | undefined) =>
    ofRow !== undefined && ofFact !== undefined && ofRow !== ofFact;
  if (!isOther(row?.["task-id"], named.id) && !isOther(row?.["request-id"], named["request-id"]))
    return undefined;
  return permanent("another-task", {
    operation: "project",
    resource: `row ${rowName(named)}`,
    message: `The row ${rowName(named)} belongs to task ${row?.["task-id"]}, request ${row?.["request-id"]}, but the event names task ${named.id}, request ${named["request-id"]}.`,
    hint: "Take id and request-id from the row itself, or omit them.",
  });
}

/**
 * The error of a cancel whose row no task has. A cancel may come before its task's first fact, but not before the task
 * claimed its row.
 */
async function unknownTask(fact: Numbered["fact"], registry: TaskRegistry): Promise<FerryError | undefined> {
  const isCancel = fact.kind === "cancel" || fact.kind === "cancelCurrent";
  if (!isCancel || (await registry.isClaimed(fact.row))) return undefined;
  return permanent("no-such-task", {
    operation: "cancel",
    resource: `row ${rowName(fact.row)}`,
    message: `No task has the row ${rowName(fact.row)} in the ${fact.row.action}-table.`,
    hint: "Take action, key and timestamp from the task's row in the status table.",
  });
}

/** The error of a cancel whose attempt has not begun: it would stop every attempt up to that one. */
async function unbegunAttempt(
  row: TaskRow | undefined,
  fact: Numbered["fact"],
  registry: TaskRegistry,
): Promise<FerryError | undefined> {
  if (fact.kind !== "cancel" || fact.attempt <= (row?.attempt ?? 1)) return undefined;
  const highest = await highestAttempt(row, registry);
  if (fact.attempt <= highest) return undefined;
  return permanent("no-such-attempt", {
    operation: "cancel",
    resource: `row ${rowName(fact.row)}`,
    message: `The task has had ${highest} attempts, but the cancel names attempt ${fact.attempt}.`,
    hint: "Take attempt from the task's row in the status table.",
  });
}

/** The row's task; undefined if only a cancel created the row. */
function taskOf({ action, key, timestamp, ...row }: TaskRow): TaskRef | undefined {
  const { "task-id": id, "request-id": requestId } = row;
  if (id === undefined || requestId === undefined) return undefined;
  return { id, action, key, timestamp, "request-id": requestId };
}

/** The highest-ranking record of each segment in the facts. */
function highest(facts: readonly Numbered[]): SegmentRecord[] {
  const records = new Map<string, SegmentRecord>();
  for (const { fact } of facts) {
    const record = recordOf(fact);
    if (record === undefined) continue;
    const name = JSON.stringify([record.task, record.segment]);
    const known = records.get(name);
    if (known === undefined || rankOf(record) > rankOf(known)) records.set(name, record);
  }
  return [...records.values()];
}

function recordOf(fact: Numbered["fact"]): SegmentRecord | undefined {
  if (!("segment" in fact)) return undefined;
  const state = fact.kind === "progressed" ? "running" : fact.kind;
  return {
    task: (fact.row as TaskRef).id,
    segment: fact.segment,
    state,
    attempt: fact.attempt,
    ...fact.counts,
    ...(fact.handoffs !== undefined && { handoffs: fact.handoffs }),
    ...(fact.usage !== undefined && { usage: fact.usage }),
    ...(fact.kind === "failed" && { reason: fact.text }),
    updatedTime: fact.time,
  };
}
