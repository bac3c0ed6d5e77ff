/**
 * What the projector does with a batch of messages: the facts of each task fold into one write.
 */
import * as v from "valibot";
import { controlRefused } from "../control.ts";
import { type FerryError, isPermanent, permanent } from "../errors.ts";
import {
  ATTEMPTS_EXHAUSTED,
  type BusEvent,
  type FerryEvent,
  type Message,
  segmentWorkSchema,
} from "../events.ts";
import type { SliceClaims, StatusStore, TaskRegistry } from "../ports.ts";
import { readDetail } from "../read-event.ts";
import { findRegistration } from "../registration.ts";
import { identify, rowName, type TaskRef } from "../task.ts";
import { type Fact, factOf } from "./facts.ts";
import { project } from "./project.ts";
import { announcementOf, rankOf, type SegmentRecord, stateOf, type TaskRow } from "./status.ts";

/** A row that others write at the same time is read again; a hot one settles well before that often. */
const WRITES_MAX = 50;

/** What the projector works with. */
export interface ProjectionPorts {
  readonly store: StatusStore;
  readonly registry: TaskRegistry;
  readonly claims: SliceClaims;
}

/** A message of the projection's queue. */
export interface FactMessage {
  readonly id: string;
  readonly message: Message;
}

/** A message that could not be projected: it goes back to its queue, and to the dead letters in the end. */
export interface Unprojected {
  readonly id: string;
  readonly error: unknown;
}

/** What came of a batch. A message that is in none of these is projected. */
export interface BatchResult {
  readonly failed: readonly Unprojected[];
  /** Cancels that change nothing: each message is done when its event is put. */
  readonly refused: readonly { readonly id: string; readonly event: FerryEvent }[];
  /** Rejections of requests that have no row: the event alone says so. */
  readonly withoutRow: readonly string[];
}

interface Numbered {
  readonly id: string;
  readonly fact: Fact;
  readonly event: BusEvent;
}

/** Projects a batch. Repeating a message changes nothing, but that a refused cancel is refused again. */
export async function projectBatch(
  messages: readonly FactMessage[],
  ports: ProjectionPorts,
): Promise<BatchResult> {
  const failed: Unprojected[] = [];
  const refused: { id: string; event: FerryEvent }[] = [];
  const withoutRow: string[] = [];
  const tasks = new Map<string, Numbered[]>();
  const notDone = ({ id, event }: { id: string; event: BusEvent }, error: unknown) => {
    const isRefusal = event["detail-type"] === "TaskCancelRequested" && isPermanent(error);
    if (isRefusal) refused.push({ id, event: controlRefused("cancel", event, error) });
    else failed.push({ id, error });
  };
  for (const { id, message } of messages) {
    try {
      const event = await resolved(message.event, ports);
      const fact = factOf(event);
      if (fact === undefined) {
        if (event["detail-type"] === "TaskRejected") withoutRow.push(id);
        continue;
      }
      const row = `${fact.row.action} ${rowName(fact.row)}`;
      tasks.set(row, [...(tasks.get(row) ?? []), { id, fact, event }]);
    } catch (error) {
      notDone({ id, event: message.event }, error);
    }
  }
  await Promise.all(
    [...tasks.values()].map(async (facts) => {
      try {
        for (const { one, error } of await projectTask(facts, ports)) notDone(one, error);
      } catch (error) {
        failed.push(...facts.map(({ id }) => ({ id, error })));
      }
    }),
  );
  return { failed, refused, withoutRow };
}

/**
 * What the Pipe report-failures says of a message that was given up, completed by what no Pipe can know: a rejected
 * request's task is found; a segment's claim is given up, since its message will not come again.
 */
async function resolved(event: BusEvent, { store, registry, claims }: ProjectionPorts): Promise<BusEvent> {
  const type = event["detail-type"];
  if (type === "TaskRejected") {
    const detail = readDetail(type, event);
    if (detail.task !== undefined) return event;
    const asked = identify(detail.work, { id: detail["event-id"], time: detail.time });
    const { task } = await findRegistration(asked, { registry, status: store });
    return { ...event, detail: { ...detail, ...(task !== undefined && { task }) } };
  }
  if (type === "SegmentFailed") {
    const { cause, work } = readDetail(type, event);
    // Of a message that is no segment's work there is no claim: its worker could not read it.
    const given = v.safeParse(segmentWorkSchema, work);
    if (cause === ATTEMPTS_EXHAUSTED && given.success) await claims.release(given.output);
  }
  return event;
}

interface NotJoined {
  readonly one: Numbered;
  readonly error: unknown;
}

/** One task's facts: its segments' records, then its row in one write (two where it fails once more). */
async function projectTask(
  facts: readonly Numbered[],
  ports: ProjectionPorts,
): Promise<readonly NotJoined[]> {
  const { store } = ports;
  await Promise.all(highest(facts).map((record) => store.raise(record)));
  if (facts.every(({ fact }) => fact.kind === "progressed")) return [];
  for (let tries = 0; tries < WRITES_MAX; tries++) {
    const read = await store.read(facts[0]!.fact.row);
    const before = read && joinOf(read);
    const { row, refused } = await join(before, facts, ports);
    if (row === undefined || row === read) return refused;
    const next = read === undefined ? row : announceable(read, row);
    const written = await store.write({ ...next, rev: (read?.rev ?? 0) + 1 }, read?.rev);
    if (written && next === row) return refused;
  }
  throw new Error(`the row was written by others ${WRITES_MAX} times in a row`);
}

/**
 * The row to write next. The streams announce that a state was come to, not that an attempt came to it again: where a
 * later one ends as the one before it, the row first leaves that state.
 */
function announceable(read: TaskRow, after: TaskRow): TaskRow {
  const state = stateOf(after);
  const again = state === stateOf(read) && after.attempt > read.attempt;
  const told = announcementOf(state) !== undefined && state !== "succeeded";
  return again && told ? { ...read, attempt: after.attempt, reannounce: true } : after;
}

/** The row without the mark that is not of the join. */
function joinOf(row: TaskRow): TaskRow {
  if (row.reannounce === undefined) return row;
  const { reannounce: _, ...join } = row;
  return join;
}

async function join(before: TaskRow | undefined, facts: readonly Numbered[], { registry }: ProjectionPorts) {
  let row = before;
  const refused: NotJoined[] = [];
  for (const one of facts) {
    const { fact } = one;
    const error =
      foreign(row, fact) ??
      (row === undefined ? await unknownTask(fact, registry) : undefined) ??
      (await unbegunAttempt(row, fact, registry));
    if (error !== undefined) refused.push({ one, error });
    else if (fact.kind !== "progressed") row = project(row, fact);
  }
  return { row, refused };
}

/** A fact of another task than the row's. Each task has a row of its own: only an operator can mean another one. */
function foreign(row: TaskRow | undefined, { row: named }: Fact): FerryError | undefined {
  const isOther = (known: string | undefined, said: string | undefined) =>
    known !== undefined && said !== undefined && known !== said;
  if (!isOther(row?.["task-id"], named.id) && !isOther(row?.["request-id"], named["request-id"]))
    return undefined;
  return permanent("another-task", {
    operation: "project",
    resource: `row ${rowName(named)}`,
    message: `the row is of task ${row?.["task-id"]}, request ${row?.["request-id"]}; the fact is of task ${named.id}, request ${named["request-id"]}.`,
    hint: "Take id and request-id from the row itself, or leave them out.",
  });
}

/** A cancel may come before the first fact of its task, but not before the task has claimed its row. */
async function unknownTask(fact: Fact, registry: TaskRegistry): Promise<FerryError | undefined> {
  if (fact.kind !== "cancel" || (await registry.isClaimed(fact.row))) return undefined;
  return permanent("no-such-task", {
    operation: "cancel",
    resource: `row ${rowName(fact.row)}`,
    message: `there is no task of this row in the ${fact.row.action}-table.`,
    hint: "Take action, key and timestamp from the task's row in the status table.",
  });
}

/**
 * A cancel of an attempt that was not begun: it would stop every attempt up to that one. The row may lag behind the attempts,
 * the registry does not. A row that only a cancel made has had no retry.
 */
async function unbegunAttempt(
  row: TaskRow | undefined,
  fact: Fact,
  registry: TaskRegistry,
): Promise<FerryError | undefined> {
  if (fact.kind !== "cancel" || fact.attempt <= (row?.attempt ?? 1)) return undefined;
  const task = row && taskOf(row);
  const highest = task === undefined ? 1 : await registry.raiseAttempt(task, row!.attempt);
  if (fact.attempt <= highest) return undefined;
  return permanent("no-such-attempt", {
    operation: "cancel",
    resource: `row ${rowName(fact.row)}`,
    message: `the task has had ${highest} attempts, and the cancel names attempt ${fact.attempt}.`,
    hint: "Take attempt from the task's row in the status table.",
  });
}

/** The row's task; nothing where only a cancel made the row. */
function taskOf({ action, key, timestamp, ...row }: TaskRow): TaskRef | undefined {
  const { "task-id": id, "request-id": requestId } = row;
  if (id === undefined || requestId === undefined) return undefined;
  return { id, action, key, timestamp, "request-id": requestId };
}

/** The highest-ranking record of each segment that the facts speak of. */
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

function recordOf(fact: Fact): SegmentRecord | undefined {
  if (!("segment" in fact)) return undefined;
  const state = fact.kind === "progressed" ? "running" : fact.kind;
  return {
    task: (fact.row as TaskRef).id,
    segment: fact.segment,
    state,
    attempt: fact.attempt,
    ...fact.counts,
    ...(fact.kind === "failed" && { reason: fact.text }),
    updatedTime: fact.time,
  };
}
