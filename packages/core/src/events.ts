/**
 * What Ferry says on its bus and hears from its queues. Details are kebab-case and versioned; a message carries all
 * that its step needs.
 */
import * as v from "valibot";
import type { Location } from "./archive/location.ts";
import type { ManifestObjects } from "./archive/manifest.ts";
import type { ErrorReport } from "./errors.ts";
import type { BackupRequest, RequestIssue, RestoreRequest } from "./request.ts";
import type { CountProgress } from "./restore/count.ts";
import type { TaskRef } from "./task.ts";

/** The `source` of everything Ferry says; rules on facts match it. */
export const SOURCE = "ferry";
/** The version of every detail below. */
export const VERSION = 1;

/** The cause that the Pipe report-failures names: a message was tried until its attempts ran out. */
export const ATTEMPTS_EXHAUSTED = "attempts-exhausted";

/** The names of a table's key attributes: hash first, then range. */
export type KeyNames = readonly [string] | readonly [string, string];

/** Everything a backup's later steps need. It is what `task.json` holds. */
export interface BackupPlan {
  readonly request: BackupRequest;
  readonly task: TaskRef;
  readonly "total-segments": number;
  readonly "batch-bytes": number;
  readonly "compression-level": number;
  /** The read ceiling of all workers together, capacity units per second. */
  readonly "read-units"?: number;
  /** With a ceiling: the size of an average item, as far as DynamoDB tells, bytes. */
  readonly "item-bytes"?: number;
  readonly table: { readonly arn: string; readonly id?: string; readonly keys: KeyNames };
  /** ISO 8601: nothing in the archive was read before it. */
  readonly started: string;
}

/** Everything a restore's later steps need: a pure function of request, manifest and table. */
export interface RestorePlan {
  readonly request: RestoreRequest;
  readonly task: TaskRef;
  readonly "total-segments": number;
  /** The write ceiling of all workers together, capacity units per second. */
  readonly "write-units"?: number;
  /**
   * Whether the table held items when the restore was planned. Absent where the last step does not count the table: of
   * Ferry's own archives, and of changes. A repeated plan may say `some` of what the first one wrote; of two plans the
   * projection keeps the one that sorts first.
   */
  readonly "items-before"?: "none" | "some";
  /** The read ceiling of that count, capacity units per second; absent for none. */
  readonly "count-units"?: number;
  /** With a ceiling: what a write consumes for each KiB, one unit for the table and one for each index. */
  readonly "units-per-write"?: number;
  readonly table: {
    readonly arn: string;
    readonly id?: string;
    readonly keys: KeyNames;
    /** S, N or B of each key. */
    readonly "key-types": readonly string[];
  };
  readonly manifest: {
    /** Whether Ferry wrote the archive: then no two of its lines have one key. */
    readonly own: boolean;
    /** Where the manifest lies, and how the keys that it lists are taken. */
    readonly location: Location;
    readonly items: number;
    readonly files: number;
    /** Uncompressed bytes of all data files; absent where Ferry did not write the archive. */
    readonly bytes?: number;
    /** What each later step compares, so that no two read different archives. */
    readonly objects: ManifestObjects;
    /** What a line holds: whole items, or changes (DynamoDB's incremental exports). */
    readonly lines: "items" | "changes";
    /** The export's time range, ISO 8601, where it says one; `from` of an incremental export alone. */
    readonly window?: { readonly from?: string; readonly to: string };
  };
}

export type Plan = BackupPlan | RestorePlan;

/** What a segment has stored (backup) or processed (restore) so far. */
export interface Counts {
  readonly batches: number;
  readonly items: number;
  /** Uncompressed bytes. */
  readonly bytes: number;
}

export const noCounts: Counts = { batches: 0, items: 0, bytes: 0 };

/** A key as DynamoDB JSON. */
export type DynamoKey = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Where a slice goes on. A backup: the next file's number, after the last stored item. A restore: the share's file
 * and the line in it.
 */
export type Cursor =
  | { readonly batch: number; readonly after?: DynamoKey }
  | { readonly file: number; readonly line: number };

/** What every message between steps of an accepted task carries. */
interface Step {
  readonly version: typeof VERSION;
  readonly task: TaskRef;
  readonly plan: Plan;
  readonly attempt: number;
  /** When this attempt gives up, ms since 1970. */
  readonly "deadline-ms": number;
}

export interface TaskRequested {
  readonly request: unknown;
  readonly "request-id"?: string;
  /** ms since 1970: the time of the message that the Pipe made this of. ISO 8601: when a schedule was due. */
  readonly "request-time"?: number | string;
}

export interface TaskAccepted extends Step {
  /** The segments to queue: all of them at first, the unfinished ones in a retry. None: finishing is tried again. */
  readonly segments: readonly number[];
  /** A restore's retry: where its segments go on, those that an earlier attempt began. */
  readonly resume?: Readonly<Record<string, Resume>>;
}

/** Where a restore's segment stood when an attempt ended. */
export interface Resume extends Counts {
  readonly file: number;
  readonly line: number;
}

/** A segment's work: the detail of `SegmentQueued` and `SegmentProgressed`. */
export interface SegmentWork extends Step {
  readonly segment: number;
  readonly cursor: Cursor;
  readonly counts: Counts;
  /** Which slice of this attempt it is: hand-offs before it. */
  readonly hop: number;
  /** Hand-offs in a row that moved nothing, throttling aside. */
  readonly "idle-hops": number;
}

export interface SegmentProgressed extends SegmentWork {
  readonly handoff: boolean;
}

export interface SegmentCompleted {
  readonly version: typeof VERSION;
  readonly task: TaskRef;
  readonly plan: Plan;
  readonly attempt: number;
  readonly segment: number;
  readonly counts: Counts;
}

export interface TaskFinished {
  readonly version: typeof VERSION;
  readonly task: TaskRef;
  readonly attempt: number;
  readonly items: number;
}

/**
 * The detail of `TaskRejected`, `SegmentFailed` and `TaskStepFailed`, one shape whoever says it: a worker, or the Pipe
 * report-failures for a message that ran out of attempts.
 */
export interface Failure {
  readonly version: typeof VERSION;
  /** A short, stable name, for instance `cancelled`, `no-such-table`, `attempts-exhausted`. */
  readonly cause: string;
  readonly error?: ErrorReport;
  /** Of a rejection by a worker: the task. The Pipe cannot know it, nor is there one where no key can be formed. */
  readonly task?: TaskRef;
  /** The detail-type of the message that could not be done. */
  readonly step: string;
  /** Its detail. */
  readonly work: unknown;
  /** Its event's id and time. */
  readonly "event-id": string;
  readonly time: string;
}

/** The detail of `TaskControlRefused`: an operator's cancel or retry that changes nothing, and why. */
export interface TaskControlRefused {
  readonly version: typeof VERSION;
  readonly control: "cancel" | "retry";
  /** A short, stable name, for instance `invalid-request`, `not-retryable`. */
  readonly cause: string;
  readonly reason: string;
  readonly issues: readonly RequestIssue[];
  readonly hint: string;
  /** The refused event's detail, its id and its time. Of a large detail the beginning of its JSON. */
  readonly asked: unknown;
  readonly "event-id": string;
  readonly time: string;
}

/** What Ferry says: the entries of PutEvents. */
export type FerryEvent =
  | { readonly type: "TaskAccepted"; readonly detail: TaskAccepted }
  | { readonly type: "SegmentQueued"; readonly detail: SegmentWork }
  | { readonly type: "SegmentProgressed"; readonly detail: SegmentProgressed }
  | { readonly type: "SegmentCompleted"; readonly detail: SegmentCompleted }
  | { readonly type: "TaskFinishing"; readonly detail: FinishingContinued }
  | { readonly type: "TaskFinished"; readonly detail: TaskFinished }
  | { readonly type: "TaskControlRefused"; readonly detail: TaskControlRefused }
  | { readonly type: FailureType; readonly detail: Failure };

export type FailureType = "TaskRejected" | "SegmentFailed" | "TaskStepFailed";

/** An event as EventBridge delivers it. `detail` is trusted only as far as its `source` is. */
export interface BusEvent {
  readonly id: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly source: string;
  readonly "detail-type": string;
  readonly detail: unknown;
}

/** A queue's message: the event, and what to say if it is never processed. */
export interface Message {
  readonly failsAs?: FailureType;
  readonly event: BusEvent;
}

/** A message as its queue delivers it. */
export interface Delivery extends Message {
  /** The queue's name of the message: the same each time that it comes. */
  readonly id: string;
}

const messageSchema = v.object({
  failsAs: v.optional(v.picklist(["TaskRejected", "SegmentFailed", "TaskStepFailed"])),
  event: v.object({
    id: v.string(),
    time: v.string(),
    source: v.string(),
    "detail-type": v.string(),
    detail: v.unknown(),
  }),
});

/** Reads a queue message's body. Throws a valibot error or a SyntaxError on anything a rule did not write. */
export function parseMessage(body: string): Message {
  return v.parse(messageSchema, JSON.parse(body)) as Message;
}

/** A whole number, also where a Pipe's template made a string of it. */
export const wholeNumber = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number))]),
  v.safeInteger(),
  v.minValue(0, "must be 0 or higher"),
);

/**
 * The detail of `TaskFinishing` and of the other announcements, as the status stream's Pipe writes it from the row.
 * The plan arrives as a DynamoDB string attribute: an object, so that the Pipe escapes it.
 */
export const finishingSchema = v.object({
  task: v.object({
    id: v.string(),
    action: v.picklist(["backup", "restore"]),
    key: v.string(),
    timestamp: wholeNumber,
    "request-id": v.string(),
  }),
  attempt: wholeNumber,
  "transferred-items": wholeNumber,
  "transferred-bytes": wholeNumber,
  plan: v.pipe(
    v.object({ S: v.string() }),
    v.transform((plan) => JSON.parse(plan.S) as Plan),
  ),
  /** Of a step that goes on where another invocation stopped. */
  counted: v.optional(v.custom<CountProgress>((value) => typeof value === "object" && value !== null)),
});

export type TaskFinishing = v.InferOutput<typeof finishingSchema>;

/** A last step's continuation, in the form of the announcement. */
export interface FinishingContinued {
  readonly version: typeof VERSION;
  readonly task: TaskRef;
  readonly attempt: number;
  readonly "transferred-items": number;
  readonly "transferred-bytes": number;
  readonly plan: { readonly S: string };
  readonly counted: CountProgress;
}
