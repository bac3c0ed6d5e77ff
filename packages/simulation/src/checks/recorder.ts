/**
 * What the checks need to know of a run besides what it leaves behind: what happened when.
 */
import type { BusEvent, SegmentWork } from "@ferry/core/events";
import type { ScanPage, Slice, Write } from "@ferry/core/ports";
import type { TaskRow } from "@ferry/core/projection/status";
import type { RowChange } from "@ferry/memory/status-store";
import { START_MS } from "@ferry/memory/time";
import type { Invocation } from "../cloud/invocation.ts";
import { stateOfRow } from "./projection.ts";
import { taskName } from "./recount.ts";

/** A call that reads or writes items, when it was issued. */
export interface DataCall {
  readonly method: "scan" | "putNew" | "write" | "insert";
  readonly invocation: string;
  /** The message's id. */
  readonly message: string;
  /** See `nameOf`. */
  readonly task: string;
  readonly segment: number;
  readonly attempt: number;
  readonly handoffs: number;
  readonly issuedMs: number;
  /** When its attempt gives up, ms since 1970. */
  readonly deadlineMs: number;
  /** Of a put: the object's key. */
  readonly key?: string;
  readonly page?: ScanPage;
  readonly writes?: readonly Write[];
}

/** An invocation, from its beginning to its end or death. */
export interface Ran {
  readonly name: string;
  readonly message: string;
  /** How often its message was received by then. */
  readonly receives: number;
  readonly type: string;
  /** Its event's id. */
  readonly event: string;
  readonly work: Invocation["work"];
  readonly beganMs: number;
  endedMs?: number;
  /** Whether its message is to come again. */
  failed?: boolean;
  /** When a fault made its messages visible again while it went on, ms since 1970. */
  shownMs?: number;
}

/** An event that an invocation put, beside the message that it worked on. */
export interface Concluded {
  readonly ran: Ran;
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/** Writes that had their effect. */
export interface Landing {
  readonly atMs: number;
  readonly table: string;
  /** See `taskName`. */
  readonly task: string;
  readonly attempt: number;
  readonly writes: readonly Write[];
}

/** A call on the bucket, as the SDK's command has it. */
export interface BucketCall {
  readonly method: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a task's row came to, and when. */
interface History {
  /** Attempt → when its cancel was in the row. */
  readonly cancelledMs: Map<number, number>;
  /** Segment → when its completion was in the row. */
  readonly completedMs: Map<number, number>;
  /** When the row succeeded. */
  succeededMs?: number;
  /** Of the row, as it last was. */
  state?: string;
  /** Rows that came to `finishing`. */
  readonly finishing: TaskRow[];
}

export interface Recorder {
  began(
    invocation: Invocation,
    message: { readonly id: string; readonly receives: number },
    event: { readonly id: string; readonly "detail-type": string },
  ): void;
  /** It is over; `failed`: its message is to come again. */
  ended(invocation: string, failed: boolean): void;
  /** Its messages are visible again, and it goes on. */
  shown(invocation: Invocation): void;
  /** It puts events. */
  concluded(invocation: Invocation, type: string, detail: unknown): void;
  asked(method: string, input: object): void;
  called(invocation: Invocation, method: string, args: readonly unknown[]): void;
  /** The engine waits so long, ms. */
  waited(invocation: Invocation, ms: number): void;
  /** A look at a row took so long, ms. */
  looked(invocation: Invocation, ms: number): void;
  /** Writes of an invocation had their effect on a table. */
  landed(invocation: Invocation, table: string, writes: readonly Write[]): void;
  rowChanged(change: RowChange): void;
  heard(event: BusEvent): void;
  /** An event reached the projection's queue. */
  projected(event: BusEvent): void;
  /** A worker saw whose a data file is. */
  sawFile(invocation: Invocation, key: string, owner: string | undefined): void;
  /** A slice was given up: from now on another message may have it. */
  released(slice: Slice): void;
  /** A worker says that its segment is complete. */
  toldComplete(invocation: Invocation): void;
  /** A data file is in the bucket. */
  stored(key: string): void;
  sealed(prefix: string, objects: ReadonlyMap<string, string>): void;
  consumed(kind: "read" | "write", units: number): void;
  readonly runs: ReadonlyMap<string, Ran>;
  readonly conclusions: readonly Concluded[];
  readonly bucketCalls: readonly BucketCall[];
  readonly calls: readonly DataCall[];
  /** Slices that were given up, and when. */
  readonly releases: readonly (Pick<DataCall, "task" | "segment" | "attempt" | "handoffs"> & {
    readonly atMs: number;
  })[];
  readonly events: readonly BusEvent[];
  readonly facts: readonly BusEvent[];
  /** Segments that were told as complete by a worker that saw a file of another request in their chain, one line each. */
  readonly borrowed: readonly string[];
  /** When a data file was stored, last. */
  readonly storedMs: ReadonlyMap<string, number>;
  readonly seals: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly consumption: readonly { readonly atMs: number; readonly kind: string; readonly units: number }[];
  readonly landings: readonly Landing[];
  /** The longest look of an invocation, ms. */
  lookMsMax(invocation: string): number;
  /** The longest single wait of an invocation between two of its looks, ms. */
  waitMsMax(invocation: string): number;
  history(task: string): History;
  /** The highest attempt of a task that anything was said of by then; `task` as `taskName` names it. */
  attemptAt(task: string, atMs: number): number;
}

/** A task's name here: all that its row is found by, and whose request it is. */
export function nameOf(task: {
  readonly action: string;
  readonly key: string;
  readonly timestamp: number;
  readonly "request-id"?: string | undefined;
}): string {
  return `${task.action} ${task["request-id"] ?? "of no request"} at ${task.key}@${task.timestamp - START_MS}`;
}

export function createRecorder(now: () => number): Recorder {
  const runs = new Map<string, Ran>();
  const conclusions: Concluded[] = [];
  const bucketCalls: BucketCall[] = [];
  const calls: DataCall[] = [];
  const releases: Recorder["releases"][number][] = [];
  const events: BusEvent[] = [];
  const facts: BusEvent[] = [];
  const borrowed: string[] = [];
  const foreign = new Map<string, string>();
  const storedMs = new Map<string, number>();
  const seals = new Map<string, ReadonlyMap<string, string>>();
  const consumption: { atMs: number; kind: string; units: number }[] = [];
  const landings: Landing[] = [];
  const looks = new Map<string, number>();
  const waits = new Map<string, number>();
  /** Of an invocation that has looked: its longest wait since. */
  const waitsSince = new Map<string, number>();
  const attempts = new Map<string, { atMs: number; attempt: number }[]>();
  const histories = new Map<string, History>();

  function history(task: string): History {
    const known = histories.get(task) ?? {
      cancelledMs: new Map(),
      completedMs: new Map(),
      finishing: [],
    };
    histories.set(task, known);
    return known;
  }

  return {
    runs,
    conclusions,
    bucketCalls,
    began({ name, work }, { id, receives }, event) {
      runs.set(name, {
        name,
        message: id,
        receives,
        type: event["detail-type"],
        event: event.id,
        work,
        beganMs: now(),
      });
    },
    ended(name, failed) {
      const ran = runs.get(name);
      if (ran !== undefined && ran.endedMs === undefined) Object.assign(ran, { endedMs: now(), failed });
    },
    shown({ name }) {
      const ran = runs.get(name);
      if (ran !== undefined) ran.shownMs ??= now();
    },
    concluded({ name }, type, detail) {
      const ran = runs.get(name);
      if (ran !== undefined)
        conclusions.push({ ran, type, detail: detail as Concluded["detail"], atMs: now() });
    },
    asked(method, input) {
      bucketCalls.push({ method, input: { ...input } });
    },
    calls,
    releases,
    released({ task, segment, attempt, handoffs }) {
      releases.push({ task: nameOf(task), segment, attempt, handoffs, atMs: now() });
    },
    events,
    facts,
    storedMs,
    seals,
    borrowed,
    consumption,
    landings,
    history,
    looked({ name }, ms) {
      looks.set(name, Math.max(looks.get(name) ?? 0, ms));
      waits.set(name, Math.max(waits.get(name) ?? 0, waitsSince.get(name) ?? 0));
      waitsSince.set(name, 0);
    },
    waited({ name }, ms) {
      const since = waitsSince.get(name);
      if (since !== undefined) waitsSince.set(name, Math.max(since, ms));
    },
    waitMsMax: (invocation) => waits.get(invocation) ?? 0,
    lookMsMax: (invocation) => looks.get(invocation) ?? 0,
    landed({ work }, table, writes) {
      if (work.task !== undefined)
        landings.push({ atMs: now(), table, task: taskName(work.task), attempt: work.attempt ?? 1, writes });
    },
    called({ name, messages, work }, method, args) {
      const { task, segment, attempt, handoffs, "deadline-ms": deadlineMs = Number.POSITIVE_INFINITY } = work;
      if (task === undefined || segment === undefined || attempt === undefined || handoffs === undefined)
        return;
      if (method === "putNew" && !String(args[1]).includes("/0x")) return;
      calls.push({
        method: method as DataCall["method"],
        invocation: name,
        message: messages[0]!.id,
        task: nameOf(task),
        segment,
        attempt,
        handoffs,
        issuedMs: now(),
        deadlineMs,
        ...(method === "scan" && { page: args[0] as ScanPage }),
        ...(method === "putNew" && { key: String(args[1]) }),
        ...(method === "write" && { writes: args[1] as readonly Write[] }),
        ...(method === "insert" && { writes: (args[1] as readonly Uint8Array[]).map((put) => ({ put })) }),
      });
    },
    rowChanged({ after }) {
      const known = history(nameOf(after));
      for (let attempt = 1; attempt <= after.cancelledAttempt; attempt++)
        if (!known.cancelledMs.has(attempt)) known.cancelledMs.set(attempt, now());
      for (const segment of after.completed)
        if (!known.completedMs.has(segment)) known.completedMs.set(segment, now());
      const state = stateOfRow(after);
      if (state === "succeeded") known.succeededMs ??= now();
      if (state === "finishing" && known.state !== state) known.finishing.push(after);
      known.state = state;
    },
    attemptAt(task, atMs) {
      const known = attempts.get(task) ?? [];
      return Math.max(1, ...known.filter((one) => one.atMs <= atMs).map(({ attempt }) => attempt));
    },
    heard(event) {
      events.push(event);
      const { task, attempt } = (event.detail ?? {}) as Partial<SegmentWork>;
      if (event["detail-type"] !== "TaskAccepted" || task === undefined) return;
      const name = taskName(task);
      attempts.set(name, [...(attempts.get(name) ?? []), { atMs: now(), attempt: attempt! }]);
    },
    projected(event) {
      facts.push(event);
    },
    sawFile({ name, work }, key, owner) {
      if (owner !== work.task?.["request-id"]) foreign.set(name, `${key}, which is ${owner}'s`);
    },
    toldComplete({ name, work }) {
      const file = foreign.get(name);
      if (file !== undefined) borrowed.push(`${name} told segment ${work.segment} as complete after ${file}`);
    },
    stored(key) {
      storedMs.set(key, now());
    },
    sealed(prefix, objects) {
      if (!seals.has(prefix)) seals.set(prefix, objects);
    },
    consumed(kind, units) {
      consumption.push({ atMs: now(), kind, units });
    },
  };
}
