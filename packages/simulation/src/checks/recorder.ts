/**
 * Records what happens in a run, and when, for the checks.
 */
import type { BusEvent, SegmentWork } from "@ferry/core/events/events";
import type { ScanPage, Slice, Write } from "@ferry/core/ports";
import type { TaskRow } from "@ferry/core/projection/status";
import type { RowChange } from "@ferry/memory/status-store";
import { START_MS } from "@ferry/memory/time";
import type { Invocation } from "../cloud/invocation.ts";
import type { PlannedWindows } from "./planned-windows.ts";
import { attributesOf, stateIn } from "./projection.ts";
import { taskName } from "./recount.ts";

/** A call that reads or writes items. */
export interface DataCall {
  readonly method: "scan" | "putNew" | "write" | "insert";
  readonly invocation: string;
  /** The message's id. */
  readonly message: string;
  /** See `taskLabel`. */
  readonly task: string;
  readonly segment: number;
  readonly attempt: number;
  readonly handoffs: number;
  readonly issuedMs: number;
  /** The deadline of its attempt, ms since 1970. */
  readonly deadlineMs: number;
  /** The object's key, if it is a put. */
  readonly key?: string;
  readonly page?: ScanPage;
  readonly writes?: readonly Write[];
}

/** A slice, for checks that compare its messages. */
export type NamedSlice = Pick<DataCall, "task" | "segment" | "attempt" | "handoffs">;

/** An invocation, from its start to its end or crash. */
export interface InvocationRecord {
  readonly name: string;
  readonly message: string;
  /** How often its message had been received by then. */
  readonly receives: number;
  readonly type: string;
  /** Its event's id. */
  readonly event: string;
  readonly work: Invocation["work"];
  readonly beganMs: number;
  endedMs?: number;
  /** Whether its message is delivered again. */
  failed?: boolean;
  /** When a fault made its messages visible again while it continued, ms since 1970. */
  visibleAgainMs?: number;
}

/** An event that an invocation put. */
export interface EmittedEvent {
  readonly invocation: InvocationRecord;
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/** Writes that took effect. */
export interface CompletedWrite {
  readonly atMs: number;
  readonly table: string;
  /** See `taskName`. */
  readonly task: string;
  /** The task's id. */
  readonly taskId: string;
  readonly attempt: number;
  readonly segment: number | undefined;
  readonly plan: PlannedWindows | undefined;
  readonly invocation: string;
  readonly writes: readonly Write[];
}

/** A call on the bucket, with the input of the SDK's command. */
export interface BucketCall {
  readonly method: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What an invocation reserved of its task's ceiling, and what its calls on items consumed. */
export interface CapacityUse {
  /** The reservations, less what was released, ms of the task's timeline. */
  reservedMs: number;
  /** Whether the last reservation failed: then consumption may be left without one. */
  hasFailed: boolean;
  /** Units of all calls. */
  consumed: number;
  /** Units of the calls whose answers arrived. */
  answered: number;
}

/** When a task's row changed, and how. */
interface History {
  /** Attempt → when the row showed its cancel. */
  readonly cancelledMs: Map<number, number>;
  /** Segment → when the row showed its completion. */
  readonly completedMs: Map<number, number>;
  /** When the row first showed its plan. */
  plannedMs?: number;
  /** When the row succeeded. */
  succeededMs?: number;
  /** The last state of the row. */
  state?: string;
  /** What the row last showed as transferred, by attribute. */
  transferred: Readonly<Record<string, number>>;
  /** Each change by which it showed less than before, in words. */
  readonly wentBack: string[];
  /** The rows that changed to `finishing`. */
  readonly finishing: TaskRow[];
}

/** A row's announcement, as its Pipe puts it on the bus. */
export type Announcement = Pick<BusEvent, "detail-type" | "detail">;

export type Recorder = ReturnType<typeof createRecorder>;

/** Identifies a task in violations and in this recorder: its row's key and its request-id. */
export function taskLabel(task: {
  readonly action: string;
  readonly key: string;
  readonly timestamp: number;
  readonly "request-id"?: string | undefined;
}): string {
  return `${task.action} ${task["request-id"] ?? "without a request"} at ${task.key}@${task.timestamp - START_MS}`;
}

const TRANSFERRED = ["transferred-batches", "transferred-items", "transferred-bytes"] as const;

/** Records one run. `now`: the virtual time, ms since 1970. */
export function createRecorder(now: () => number) {
  const invocations = new Map<string, InvocationRecord>();
  const emittedEvents: EmittedEvent[] = [];
  const bucketCalls: BucketCall[] = [];
  const calls: DataCall[] = [];
  /** Slices whose claims were released, and when. */
  const releases: (NamedSlice & { readonly atMs: number })[] = [];
  const events: BusEvent[] = [];
  /** The events that were sent to the projection queue. */
  const facts: BusEvent[] = [];
  /** What was lost on its way from the stream to the bus. */
  const lostAnnouncements: Announcement[] = [];
  /** The methods of ports that a function's code called: `FUNCTION PORT.METHOD`. */
  const portCalls = new Set<string>();
  /** Event → when a worker first recorded an error of its message, ms since 1970. */
  const recordedErrors = new Map<string, number>();
  /** Segments that a worker reported as complete although it read a file of another request in their chain, one line each. */
  const foreignFileCompletions: string[] = [];
  const foreignFiles = new Map<string, string>();
  /** Key → when a data file was last stored. */
  const storedMs = new Map<string, number>();
  /** Prefix → the objects of the archive when it was first sealed. */
  const seals = new Map<string, ReadonlyMap<string, string>>();
  const consumption: { readonly atMs: number; readonly kind: string; readonly units: number }[] = [];
  /** By invocation. */
  const capacityUses = new Map<string, CapacityUse>();
  const completedWrites: CompletedWrite[] = [];
  const pollMs = new Map<string, number>();
  const waitMs = new Map<string, number>();
  /** By invocation that has read its task's row: the longest wait since. */
  const waitMsSincePoll = new Map<string, number>();
  const attempts = new Map<string, { atMs: number; attempt: number }[]>();
  const histories = new Map<string, History>();

  function history(task: string): History {
    const known = histories.get(task) ?? {
      cancelledMs: new Map(),
      completedMs: new Map(),
      finishing: [],
      transferred: {},
      wentBack: [],
    };
    histories.set(task, known);
    return known;
  }

  return {
    invocations,
    emittedEvents,
    bucketCalls,
    calls,
    releases,
    events,
    facts,
    lostAnnouncements,
    portCalls,
    recordedErrors,
    foreignFileCompletions,
    storedMs,
    seals,
    consumption,
    capacityUses,
    completedWrites,
    /** By `taskLabel`. */
    history,
    began(
      { name, work }: Invocation,
      message: { readonly id: string; readonly receives: number },
      event: { readonly id: string; readonly "detail-type": string },
    ) {
      invocations.set(name, {
        name,
        message: message.id,
        receives: message.receives,
        type: event["detail-type"],
        event: event.id,
        work,
        beganMs: now(),
      });
    },
    /** `failed`: its message is delivered again. */
    ended(name: string, failed: boolean) {
      const record = invocations.get(name);
      if (record !== undefined && record.endedMs === undefined)
        Object.assign(record, { endedMs: now(), failed });
    },
    /** A fault made its messages visible again while it continues. */
    madeVisible({ name }: Invocation) {
      const record = invocations.get(name);
      if (record !== undefined) record.visibleAgainMs ??= now();
    },
    /** A function puts an event. */
    eventEmitted({ name, work }: Invocation, type: string, detail: unknown) {
      const invocation = invocations.get(name)!;
      emittedEvents.push({ invocation, type, detail: detail as EmittedEvent["detail"], atMs: now() });
      const file = foreignFiles.get(name);
      if (type === "SegmentCompleted" && file !== undefined)
        foreignFileCompletions.push(
          `${name} reported segment ${work.segment} as complete after it read ${file}`,
        );
    },
    /** A slice's claim was released: from now on another message may claim it. */
    released({ task, segment, attempt, handoffs }: Slice) {
      releases.push({ task: taskLabel(task), segment, attempt, handoffs, atMs: now() });
    },
    /** A worker recorded an error of this event's message. */
    errorRecorded(eventId: string) {
      if (!recordedErrors.has(eventId)) recordedErrors.set(eventId, now());
    },
    /** A read of the task's row took this long, ms. */
    polled({ name }: Invocation, ms: number) {
      pollMs.set(name, Math.max(pollMs.get(name) ?? 0, ms));
      waitMs.set(name, Math.max(waitMs.get(name) ?? 0, waitMsSincePoll.get(name) ?? 0));
      waitMsSincePoll.set(name, 0);
    },
    /** The engine waits this long, ms. */
    waited({ name }: Invocation, ms: number) {
      const since = waitMsSincePoll.get(name);
      if (since !== undefined) waitMsSincePoll.set(name, Math.max(since, ms));
    },
    /** The longest single wait of an invocation between two reads of the task's row, ms. */
    waitMsMax: (invocation: string) => waitMs.get(invocation) ?? 0,
    /** The longest read of the task's row by an invocation, ms. */
    pollMsMax: (invocation: string) => pollMs.get(invocation) ?? 0,
    /** Writes of an invocation took effect on a table. */
    writesCompleted({ name, work }: Invocation, table: string, writes: readonly Write[]) {
      if (work.task !== undefined)
        completedWrites.push({
          atMs: now(),
          table,
          task: taskName(work.task),
          taskId: work.task.id,
          attempt: work.attempt ?? 1,
          segment: work.segment,
          plan: work.plan,
          invocation: name,
          writes,
        });
    },
    dataCalled({ name, messages, work }: Invocation, method: string, args: readonly unknown[]) {
      const { task, segment, attempt, handoffs, "deadline-ms": deadlineMs = Number.POSITIVE_INFINITY } = work;
      if (task === undefined || segment === undefined || attempt === undefined || handoffs === undefined)
        return;
      if (method === "putNew" && !String(args[1]).includes("/0x")) return;
      calls.push({
        method: method as DataCall["method"],
        invocation: name,
        message: messages[0]!.id,
        task: taskLabel(task),
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
    rowChanged({ after }: RowChange) {
      const known = history(taskLabel(after));
      for (let attempt = 1; attempt <= after.cancelledAttempt; attempt++)
        if (!known.cancelledMs.has(attempt)) known.cancelledMs.set(attempt, now());
      for (const segment of after.completed)
        if (!known.completedMs.has(segment)) known.completedMs.set(segment, now());
      if (after.plan !== undefined) known.plannedMs ??= now();
      const seen = attributesOf(after);
      const transferred: Record<string, number> = {};
      for (const name of TRANSFERRED) {
        transferred[name] = Number(seen[name]);
        const before = known.transferred[name] ?? 0;
        if (transferred[name] < before) known.wentBack.push(`${name} ${before} to ${transferred[name]}`);
      }
      known.transferred = transferred;
      const state = stateIn(seen);
      if (state === "succeeded") known.succeededMs ??= now();
      if (state === "finishing" && known.state !== state) known.finishing.push(after);
      known.state = state;
    },
    /** The highest attempt of a task that was accepted by then; `task`: see `taskName`. */
    attemptAt(task: string, atMs: number) {
      const known = attempts.get(task) ?? [];
      return Math.max(1, ...known.filter((one) => one.atMs <= atMs).map(({ attempt }) => attempt));
    },
    eventAccepted(event: BusEvent) {
      events.push(event);
      const { task, attempt } = (event.detail ?? {}) as Partial<SegmentWork>;
      if (event["detail-type"] !== "TaskAccepted" || task === undefined) return;
      const name = taskName(task);
      attempts.set(name, [...(attempts.get(name) ?? []), { atMs: now(), attempt: attempt! }]);
    },
    /** A worker read which request owns a data file. */
    fileOwnerRead({ name, work }: Invocation, key: string, owner: string | undefined) {
      if (owner !== work.task?.["request-id"]) foreignFiles.set(name, `${key} of request ${owner}`);
    },
    /** An object is in the bucket. */
    stored(key: string) {
      storedMs.set(key, now());
    },
    sealed(prefix: string, objects: ReadonlyMap<string, string>) {
      if (!seals.has(prefix)) seals.set(prefix, objects);
    },
    consumed(kind: "read" | "write", units: number) {
      consumption.push({ atMs: now(), kind, units });
    },
    /** Adds to an invocation's capacity use. */
    capacityUsed(
      { name }: Invocation,
      { reservedMs = 0, consumed = 0, answered = 0, hasFailed }: Partial<CapacityUse>,
    ) {
      const use = capacityUses.get(name) ?? { reservedMs: 0, hasFailed: false, consumed: 0, answered: 0 };
      use.reservedMs += reservedMs;
      use.consumed += consumed;
      use.answered += answered;
      use.hasFailed = hasFailed ?? use.hasFailed;
      capacityUses.set(name, use);
    },
  };
}
