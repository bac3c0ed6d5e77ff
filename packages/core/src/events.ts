/**
 * What Ferry says on its bus and hears from its queues. Details are kebab-case and versioned; a message carries all
 * that its step needs.
 */
import * as v from "valibot";
import { type ErrorCode, errorCodes } from "./error-codes.ts";
import {
  type backupPlanSchema,
  type keyNamesSchema,
  planSchema,
  type restorePlanSchema,
} from "./plan-schema.ts";
import {
  about,
  count,
  dynamoKey,
  either,
  fieldOf,
  list,
  readonlyObject,
  unchanged,
  wholeNumber,
} from "./schema-parts.ts";
import { announcedTaskSchema, REQUEST_ID, type TaskRef, taskRefSchema } from "./task.ts";

/** The `source` of everything Ferry says; rules on facts match it. */
export const SOURCE = "ferry";
/** The version of every detail below. */
export const VERSION = 1;

/** The cause that the Pipe report-failures names: a message was tried until its attempts ran out. */
export const ATTEMPTS_EXHAUSTED = "attempts-exhausted";

/** The names of a table's key attributes: hash first, then range. */
export type KeyNames = v.InferOutput<typeof keyNamesSchema>;
/** Everything a backup's later steps need. It is what `task.json` holds. */
export type BackupPlan = v.InferOutput<typeof backupPlanSchema>;
/** Everything a restore's later steps need: a pure function of request, manifest and table. */
export type RestorePlan = v.InferOutput<typeof restorePlanSchema>;
export type Plan = BackupPlan | RestorePlan;

const text = v.string();
const optional = v.exactOptional;
const version = about(v.literal(VERSION), "The version of the detail.");
const attempt = about(v.pipe(count, v.minValue(1)), "The attempt of the task; the first is 1.");
const announcedAttempt = about(
  v.pipe(wholeNumber, v.minValue(1)),
  "The attempt of the task; the first is 1.",
);
const segment = about(count, "The segment, from 0.");

const countEntries = {
  ...{ batches: count, items: count, bytes: count },
  skipped: optional(count),
};
/**
 * What a segment has stored (backup) or processed (restore) so far. `bytes` are uncompressed. `skipped` are items that a
 * restore did not put because another item had their key; absent for none.
 */
export const countsSchema = about(
  readonlyObject(countEntries),
  "What the segment has stored (backup) or written (restore) so far: data files, items, uncompressed bytes; of a restore that never overwrites also items that were skipped because another item had their key.",
);
export type Counts = v.InferOutput<typeof countsSchema>;

export const noCounts: Counts = { batches: 0, items: 0, bytes: 0 };

/** A key as DynamoDB JSON. */
export type DynamoKey = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/**
 * Where a slice goes on. A backup: the next file's number, after the last stored item. A restore: the share's file
 * and the line in it.
 */
export const cursorSchema = about(
  either(
    readonlyObject({ batch: count, after: optional(dynamoKey) }),
    readonlyObject({ file: count, line: count }),
    (cursor) => fieldOf(cursor, "file") !== undefined,
  ),
  "Where the slice goes on. A backup: the number of the next data file, and the last stored item's key. A restore: the file of its share, and the line in it.",
);
export type Cursor = v.InferOutput<typeof cursorSchema>;

/** Where a restore's segment stood when an attempt ended. */
const resumeSchema = readonlyObject({ ...countEntries, file: count, line: count });
export type Resume = v.InferOutput<typeof resumeSchema>;

/** What every message between steps of an accepted task carries. */
const stepEntries = {
  version,
  task: taskRefSchema,
  plan: about(planSchema, "What was planned: everything that later steps need."),
  attempt,
  "deadline-ms": about(count, "When this attempt gives up, ms since 1970."),
};

/** A request. Its reader is `identify`, which takes a detail of any shape and rejects what is wrong. */
export const taskRequestedSchema = v.object({
  request: about(v.unknown(), "The request: see [request.schema.json](request.schema.json)."),
  "request-id": optional(
    about(
      v.pipe(text, v.regex(REQUEST_ID)),
      "Names this one request; without it, or where it is of other characters, Ferry takes the event's id.",
    ),
  ),
  "request-time": optional(
    about(
      v.union([v.number(), text]),
      "ms since 1970: the time of the message that the Pipe made this of. ISO 8601: when a schedule was due. Without it, the event's time.",
    ),
  ),
});
export type TaskRequested = v.InferOutput<typeof taskRequestedSchema>;

export const taskAcceptedSchema = readonlyObject({
  ...stepEntries,
  segments: about(
    list(count),
    "The segments to queue: all of them at first, the unfinished ones in a retry. None: the task is finished again.",
  ),
  resume: optional(
    about(
      v.pipe(v.record(text, resumeSchema), v.readonly()),
      "A restore's retry: where its segments go on, those that an earlier attempt began.",
    ),
  ),
});
export type TaskAccepted = v.InferOutput<typeof taskAcceptedSchema>;

const workEntries = {
  ...stepEntries,
  segment,
  cursor: cursorSchema,
  counts: countsSchema,
  handoffs: about(count, "Which slice of this attempt it is: hand-offs before it."),
  "handoffs-without-progress": about(count, "Hand-offs in a row that moved nothing, throttling aside."),
};

/** A segment's work: the detail of `SegmentQueued` and `SegmentProgressed`. */
export const segmentWorkSchema = readonlyObject(workEntries);
export type SegmentWork = v.InferOutput<typeof segmentWorkSchema>;

export const segmentProgressedSchema = readonlyObject({
  ...workEntries,
  handoff: about(v.boolean(), "Whether the event is the continuation: true routes it to a worker."),
});
export type SegmentProgressed = v.InferOutput<typeof segmentProgressedSchema>;

export const segmentCompletedSchema = readonlyObject({
  version,
  task: taskRefSchema,
  plan: about(planSchema, "What was planned: everything that later steps need."),
  attempt,
  segment,
  counts: countsSchema,
});
export type SegmentCompleted = v.InferOutput<typeof segmentCompletedSchema>;

export const taskFinishedSchema = readonlyObject({
  version,
  task: taskRefSchema,
  attempt,
  items: about(count, "Items of the archive."),
});
export type TaskFinished = v.InferOutput<typeof taskFinishedSchema>;

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];
const cause = about(v.picklist(codes), "One of the codes in [errors.md](errors.md).");
const issues = list(readonlyObject({ field: text, message: text }));

const errorReportSchema = readonlyObject({
  operation: about(text, "What was attempted, for instance `Scan`."),
  resource: about(text, "On what: a table, `s3://bucket/key`, a request field."),
  message: about(text, "Why it failed."),
  hint: about(text, "What the operator can do about it."),
  retryable: about(v.boolean(), "Whether the error was of a kind that may pass."),
  issues: optional(about(issues, "Of a request: everything that is wrong with it.")),
});

/**
 * The detail of `TaskRejected`, `SegmentFailed` and `TaskStepFailed`: one shape, whether a worker puts it, or the Pipe
 * report-failures for a message that ran out of attempts.
 */
export const failureSchema = readonlyObject({
  version,
  cause,
  error: optional(about(errorReportSchema, "Absent where a message ran out of attempts.")),
  task: optional(
    about(
      taskRefSchema,
      "Of a request that a worker rejected: its task. Absent where no key of a row can be formed, and from the Pipe.",
    ),
  ),
  step: about(text, "The detail-type of the message that could not be done."),
  work: about(v.unknown(), "Its detail."),
  "event-id": about(text, "Its event's id."),
  time: about(text, "Its event's time, ISO 8601."),
});
export type Failure = v.InferOutput<typeof failureSchema>;

/** The detail of `TaskControlRefused`: an operator's cancel or retry that changes nothing, and why. */
export const taskControlRefusedSchema = readonlyObject({
  version,
  control: about(v.picklist(["cancel", "retry"]), "What was requested."),
  cause,
  reason: about(text, "Why it changes nothing."),
  issues: about(issues, "Each wrong field; empty where the fields are right."),
  hint: about(text, "What to do."),
  asked: about(v.unknown(), "The refused event's detail; of a large detail the beginning of its JSON."),
  "event-id": about(text, "The refused event's id."),
  time: about(text, "Its time, ISO 8601."),
});
export type TaskControlRefused = v.InferOutput<typeof taskControlRefusedSchema>;

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
  failsAs: v.exactOptional(v.picklist(["TaskRejected", "SegmentFailed", "TaskStepFailed"])),
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
  return v.parse(messageSchema, JSON.parse(body));
}

/** The plan as a row's string attribute has it: an object, so that the Pipe escapes it. */
const announcedPlan = about(
  v.pipe(
    readonlyObject({ S: text }),
    v.transform((plan) => plan.S),
    v.parseJson(),
    unchanged(planSchema),
  ),
  "The plan as JSON, in `S`.",
);

const movedEntries = {
  "transferred-items": about(wholeNumber, "Items that the archive or the table holds of the task."),
  "transferred-bytes": about(wholeNumber, "Their uncompressed bytes."),
};

/** What an announcement takes from the row besides, for its readers. */
const rowEntries = {
  state: about(v.picklist(["finishing", "succeeded", "failed", "cancelled"]), "The row's state."),
  reason: about(text, "Why it failed or was cancelled, in one line; empty where it succeeded."),
  "table-region": about(text, "Of the request."),
  "table-name": about(text, "Of the request."),
  "bucket-region": about(text, "Of the request."),
  "bucket-name": about(text, "Of the request."),
  "bucket-prefix": about(text, "The prefix, expanded."),
  "total-segments": about(wholeNumber, "Segments of the task."),
  "completed-segments": about(wholeNumber, "Segments that are complete."),
  "failed-segments": about(wholeNumber, "Segments that failed in this attempt."),
  "transferred-batches": about(wholeNumber, "Data files of the transferred items."),
};

/** The detail of `TaskSucceeded`, `TaskFailed` and `TaskCancelled`, as a status stream's Pipe writes it from the row. */
export const announcementSchema = readonlyObject({
  version,
  task: announcedTaskSchema,
  attempt: announcedAttempt,
  ...rowEntries,
  ...movedEntries,
  plan: announcedPlan,
});

const countProgressSchema = readonlyObject({
  items: about(count, "Counted so far."),
  segments: about(count, "The table is counted in this many segments."),
  next: about(count, "The first segment that was not begun."),
  open: about(
    list(readonlyObject({ segment: count, after: optional(dynamoKey) })),
    "Where segments that were begun go on.",
  ),
  idle: about(count, "Invocations in a row that counted nothing."),
});
/** How far a count of a table came. */
export type CountProgress = v.InferOutput<typeof countProgressSchema>;

/**
 * The detail of `TaskFinishing`: an announcement, or a last step's continuation, which has `counted` in place of what is
 * taken from the row.
 */
export const taskFinishingSchema = readonlyObject({
  version,
  task: announcedTaskSchema,
  attempt: announcedAttempt,
  ...movedEntries,
  plan: announcedPlan,
  counted: optional(
    about(countProgressSchema, "Of a step that goes on where another invocation stopped: its progress."),
  ),
  ...v.partial(v.object(rowEntries)).entries,
});

/** What the last step of a task needs. */
export type TaskFinishing = Pick<
  v.InferOutput<typeof taskFinishingSchema>,
  "task" | "attempt" | "transferred-items" | "transferred-bytes" | "plan" | "counted"
>;

/** A last step's continuation, as it is put. */
export interface FinishingContinued {
  readonly version: typeof VERSION;
  readonly task: TaskRef;
  readonly attempt: number;
  readonly "transferred-items": number;
  readonly "transferred-bytes": number;
  readonly plan: { readonly S: string };
  readonly counted: CountProgress;
}
