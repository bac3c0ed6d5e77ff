/**
 * The events that Ferry puts on its bus and receives from its queues. Details are kebab-case and versioned; a message
 * carries everything that its step needs.
 */
import * as v from "valibot";
import { type ErrorCode, errorCodes } from "../errors/error-codes.ts";
import { announcedTaskSchema, REQUEST_ID, taskRefSchema } from "../request/task.ts";
import { dynamoKey } from "../table/dynamo-key.ts";
import {
  type backupPlanSchema,
  type keyNamesSchema,
  planSchema,
  type restorePlanSchema,
} from "./plan-schema.ts";
import {
  count,
  described,
  either,
  fieldOf,
  list,
  readonlyObject,
  unchanged,
  wholeNumber,
} from "./schema-parts.ts";
import { settingReportsSchema } from "./setting-reports.ts";

/** The `source` of Ferry's own events; rules on facts match it. */
export const SOURCE = "ferry";
/** The version of all details below. */
export const VERSION = 1;

/** The cause in events of the Pipe `report-failures`: a message failed until its attempts ran out. */
export const ATTEMPTS_EXHAUSTED = "attempts-exhausted";

/** The names of a table's key attributes: hash first, then range. */
export type KeyNames = v.InferOutput<typeof keyNamesSchema>;
/** Everything that a backup's later steps need. `task.json` holds it. */
export type BackupPlan = v.InferOutput<typeof backupPlanSchema>;
/** Everything that a restore's later steps need: a pure function of request, manifest and table. */
export type RestorePlan = v.InferOutput<typeof restorePlanSchema>;
export type Plan = BackupPlan | RestorePlan;
/** A message of a step that only tasks with this kind of plan have. */
export type MessageWith<P extends Plan, M extends { readonly plan: Plan }> = Omit<M, "plan"> & {
  readonly plan: P;
};

/** Whether the plan is a backup's. */
export function isBackup(plan: Plan): plan is BackupPlan {
  return plan.request.action === "backup";
}

const text = v.string();
const optional = v.exactOptional;
const version = described(v.literal(VERSION), "The version of the detail.");
const attempt = described(v.pipe(count, v.minValue(1)), "The attempt of the task; the first is 1.");
const announcedAttempt = described(
  v.pipe(wholeNumber, v.minValue(1)),
  "The attempt of the task; the first is 1.",
);
const segment = described(count, "The segment, from 0.");

const countEntries = {
  batches: count,
  items: count,
  bytes: count,
  skipped: optional(count),
  matched: optional(count),
};
/**
 * What a segment has stored (backup) or processed (restore) so far. `bytes` are uncompressed. `skipped`: items that a
 * restore did not put because another item had their key; absent for none. `matched`: the lines that a restore with `only`
 * wrote or skipped, of the `items` that it read; absent without `only`.
 */
export const countsSchema = described(
  readonlyObject(countEntries),
  "What the segment has stored (backup) or written (restore) so far: data files, items, uncompressed bytes. A restore that never overwrites also counts `skipped`: items that it did not put because another item had their key. A restore with `only` counts in `items` and `bytes` the lines that it read, and in `matched` those that it selected.",
);
export type Counts = v.InferOutput<typeof countsSchema>;

/** What the slices of a segment used in an attempt. */
export const usageSchema = described(
  readonlyObject({ units: count, throttles: count, ms: count }),
  "What the segment's slices used in this attempt, as far as they reported it: `units`, consumed capacity units; `throttles`, calls that the table throttled, or of which it left writes unprocessed; `ms`, how long they worked.",
);
export type Usage = v.InferOutput<typeof usageSchema>;

export const noCounts: Counts = { batches: 0, items: 0, bytes: 0 };

/**
 * Where a slice continues. A backup: the next data file's number and the last stored item's key. A restore: a file of the
 * segment and a line in it.
 */
export const cursorSchema = described(
  either(
    readonlyObject({ batch: count, after: optional(dynamoKey) }),
    readonlyObject({ file: count, line: count }),
    (cursor) => fieldOf(cursor, "file") !== undefined,
  ),
  "Where the slice continues. A backup: the number of the next data file, and the key of the last stored item. A restore: the index of the file among the segment's files, and the line in it.",
);
export type Cursor = v.InferOutput<typeof cursorSchema>;

/** The checkpoint of a restore's segment when an attempt ended. */
const resumeSchema = readonlyObject({ ...countEntries, file: count, line: count });
export type Resume = v.InferOutput<typeof resumeSchema>;

/** The fields of each message between steps of an accepted task. */
const stepEntries = {
  version,
  task: taskRefSchema,
  plan: described(planSchema, "The task's plan: everything that later steps need."),
  attempt,
  "deadline-ms": described(count, "The attempt's deadline, ms since 1970."),
};

/** A request. `identify` and `parseRequest` read it from a detail of any shape and report what is wrong. */
export const taskRequestedSchema = v.object({
  request: described(
    v.unknown(),
    "The request: see [request.schema.json](request.schema.json). Instead, the detail may be the request itself: then its id is the event's, and it has no `request-time`. The Pipe's event has a whole message of `request-queue` instead: `messageId`, `body` (its text, which is a request or a whole detail), `attributes`, and the others of SQS.",
  ),
  "request-id": optional(
    described(
      v.pipe(text, v.regex(REQUEST_ID)),
      "The id of this one request. If it is missing or has other characters, the event's id is used: the `EventId` in the response of `PutEvents`. For a message on `request-queue`, which may be a request or a whole detail, it is the `MessageId` in the response of `SendMessage`. The index `by-request` finds the task ([operations.md](operations.md)).",
    ),
  ),
  "request-time": optional(
    described(
      v.union([v.number(), text]),
      "ms since 1970: the time of the message that requested a restore. ISO 8601: when a schedule was due. The default is the event's time.",
    ),
  ),
});
export type TaskRequested = v.InferOutput<typeof taskRequestedSchema>;

export const taskAcceptedSchema = readonlyObject({
  ...stepEntries,
  waits: optional(
    described(
      count,
      "How many invocations have waited until the table that the task created is ACTIVE; absent for none.",
    ),
  ),
  segments: described(
    list(count),
    "The segments to queue: all of them in the first attempt, the unfinished ones in a retry. If empty, the last step runs again.",
  ),
  resume: optional(
    described(
      v.pipe(v.record(text, resumeSchema), v.readonly()),
      "In a restore's retry: the checkpoints of the segments that an earlier attempt began.",
    ),
  ),
});
export type TaskAccepted = v.InferOutput<typeof taskAcceptedSchema>;

const workEntries = {
  ...stepEntries,
  segment,
  cursor: cursorSchema,
  counts: countsSchema,
  handoffs: described(count, "The number of handoffs in this attempt before this slice."),
  "handoffs-without-progress": described(
    count,
    "The number of handoffs in a row without progress; throttled slices do not count.",
  ),
  usage: optional(usageSchema),
};

/** The work of a slice: the detail of `SegmentQueued` and `SegmentProgressed`. */
export const segmentWorkSchema = readonlyObject(workEntries);
export type SegmentWork = v.InferOutput<typeof segmentWorkSchema>;

export const segmentProgressedSchema = readonlyObject({
  ...workEntries,
  handoff: described(v.boolean(), "Whether the event is a continuation: true routes it to a worker."),
});
export type SegmentProgressed = v.InferOutput<typeof segmentProgressedSchema>;

export const segmentCompletedSchema = readonlyObject({
  version,
  task: taskRefSchema,
  plan: described(planSchema, "The task's plan: everything that later steps need."),
  attempt,
  segment,
  counts: countsSchema,
  handoffs: optional(described(count, "The number of handoffs in this attempt.")),
  usage: optional(usageSchema),
});
export type SegmentCompleted = v.InferOutput<typeof segmentCompletedSchema>;

export const taskFinishedSchema = readonlyObject({
  version,
  task: taskRefSchema,
  attempt,
  items: described(count, "The number of items in the archive."),
  settings: optional(settingReportsSchema),
});
export type TaskFinished = v.InferOutput<typeof taskFinishedSchema>;

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];
const cause = described(v.picklist(codes), "One of the codes in [errors.md](errors.md).");
const issues = list(readonlyObject({ field: text, message: text }));

const errorReportSchema = readonlyObject({
  operation: described(text, "The attempted operation, for instance `Scan`."),
  resource: described(text, "Its resource: a table, `s3://bucket/key`, a request field."),
  message: described(text, "The reason."),
  hint: described(text, "What the operator can do."),
  retryable: described(v.boolean(), "Whether the error may be temporary."),
  issues: optional(described(issues, "All issues of an invalid request.")),
});

/**
 * The detail of `TaskRejected`, `SegmentFailed` and `TaskStepFailed`. It has one shape for both sources: a worker, and the
 * Pipe `report-failures` for a message whose attempts ran out.
 */
export const failureSchema = readonlyObject({
  version,
  cause,
  error: optional(
    described(
      errorReportSchema,
      "Absent if the message's attempts ran out: the task's row then has the worker's last error.",
    ),
  ),
  task: optional(
    described(
      taskRefSchema,
      "The task of a request that a worker rejected. Absent if the request lacks the fields of a row's key, and in events from the Pipe.",
    ),
  ),
  step: described(text, "The detail-type of the message that failed."),
  work: described(v.unknown(), "The detail of that message."),
  "event-id": described(text, "The id of its event."),
  time: described(text, "The time of its event, ISO 8601."),
});
export type Failure = v.InferOutput<typeof failureSchema>;

const nearRowSchema = readonlyObject({
  action: v.picklist(["backup", "restore"]),
  key: text,
  timestamp: count,
  state: text,
});
/** A row near the one that a refused control named. */
export type NearRow = v.InferOutput<typeof nearRowSchema>;

/** The detail of `TaskControlRefused`: a cancel or retry that was refused, and the reason. */
export const taskControlRefusedSchema = readonlyObject({
  version,
  control: described(v.picklist(["cancel", "retry"]), "The requested control."),
  cause,
  reason: described(text, "Why it was refused."),
  issues: described(issues, "Each invalid field; empty if all fields are valid."),
  hint: described(text, "What to do."),
  nearest: described(
    list(nearRowSchema),
    "At most five rows that may have been meant. They have the key that was named, the nearest in time first; if no row has it, they are the newest tasks with the most similar keys that can be cancelled or retried. Empty if the control names no row.",
  ),
  asked: described(v.unknown(), "The refused event's detail; if it is large, the start of its JSON."),
  "event-id": described(text, "The refused event's id."),
  time: described(text, "The refused event's time, ISO 8601."),
});
export type TaskControlRefused = v.InferOutput<typeof taskControlRefusedSchema>;

/** The events that Ferry puts: the entries of PutEvents. */
export type FerryEvent =
  | { readonly type: "TaskRequested"; readonly detail: TaskRequested }
  | { readonly type: "TaskAccepted"; readonly detail: TaskAccepted }
  | { readonly type: "SegmentQueued"; readonly detail: SegmentWork }
  | { readonly type: "SegmentProgressed"; readonly detail: SegmentProgressed }
  | { readonly type: "SegmentCompleted"; readonly detail: SegmentCompleted }
  | { readonly type: "TaskFinishing"; readonly detail: FinishingContinued }
  | { readonly type: "TaskFinished"; readonly detail: TaskFinished }
  | { readonly type: "TaskControlRefused"; readonly detail: TaskControlRefused }
  | { readonly type: FailureType; readonly detail: Failure };

export type FailureType = "TaskRejected" | "SegmentFailed" | "TaskStepFailed";

/** An event as EventBridge delivers it. `detail` is only as trustworthy as its `source`. */
export interface BusEvent {
  readonly id: string;
  /** ISO 8601, whole seconds. */
  readonly time: string;
  readonly source: string;
  readonly "detail-type": string;
  readonly detail: unknown;
}

/** A queue's message: the event, and the type of the failure event if it is never processed. */
export interface Message {
  readonly failsAs?: FailureType;
  readonly event: BusEvent;
}

/** A message as its queue delivers it. */
export interface Delivery extends Message {
  /** The queue's message id: the same for each delivery. */
  readonly id: string;
}

const busEventSchema = v.object({
  id: v.string(),
  time: v.string(),
  source: v.string(),
  "detail-type": v.string(),
  detail: v.unknown(),
});

const messageSchema = v.object({
  failsAs: v.exactOptional(v.picklist(["TaskRejected", "SegmentFailed", "TaskStepFailed"])),
  event: busEventSchema,
});

/** Reads a queue message's body. Throws a valibot error or a SyntaxError if a rule did not write it. */
export function parseMessage(body: string): Message {
  return v.parse(messageSchema, JSON.parse(body));
}

/** Reads an event, with all of its fields, as a rule without a template writes it. Undefined if the text is not an event. */
export function parseBusEvent(body: string): BusEvent | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), unchanged(busEventSchema)), body);
  return parsed.success ? parsed.output : undefined;
}

/** The plan as a row's string attribute. It is in an object because a Pipe escapes only objects. */
const announcedPlan = described(
  v.pipe(
    readonlyObject({ S: text }),
    v.transform((plan) => plan.S),
    v.parseJson(),
    unchanged(planSchema),
  ),
  "The plan as JSON, in `S`.",
);

const movedEntries = {
  "transferred-items": described(wholeNumber, "The task's items in the archive or the table."),
  "transferred-bytes": described(wholeNumber, "Their uncompressed bytes."),
};

/** The other fields that an announcement copies from the row. */
const rowEntries = {
  state: described(v.picklist(["finishing", "succeeded", "failed", "cancelled"]), "The row's state."),
  reason: described(text, "Why the task failed or was cancelled, in one line; empty if it succeeded."),
  "table-region": described(text, "From the request."),
  "table-name": described(text, "From the request."),
  "bucket-region": described(text, "From the request."),
  "bucket-name": described(text, "From the request."),
  "bucket-prefix": described(text, "From the request, with placeholders expanded."),
  "total-segments": described(wholeNumber, "The number of segments."),
  "completed-segments": described(wholeNumber, "The number of complete segments."),
  "failed-segments": described(wholeNumber, "The number of segments that failed in this attempt."),
  "transferred-batches": described(wholeNumber, "The data files of the transferred items."),
};

/** The detail of `TaskSucceeded`, `TaskFailed` and `TaskCancelled`. A status stream's Pipe writes it from the row. */
export const announcementSchema = readonlyObject({
  version,
  task: announcedTaskSchema,
  attempt: announcedAttempt,
  ...rowEntries,
  ...movedEntries,
  plan: announcedPlan,
});

const countProgressSchema = readonlyObject({
  items: described(count, "Items counted so far."),
  segments: described(count, "The number of scan segments of the count."),
  next: described(count, "The first segment that has not begun."),
  open: described(
    list(readonlyObject({ segment: count, after: optional(dynamoKey) })),
    "The segments in progress, and the key after which each continues.",
  ),
  idle: described(count, "The number of invocations in a row that counted nothing."),
});
/** The progress of a count of a table. */
export type CountProgress = v.InferOutput<typeof countProgressSchema>;

/**
 * The detail of `TaskFinishing`: an announcement, or the continuation of a last step, which has its own progress
 * instead of the other fields from the row.
 */
export const taskFinishingSchema = readonlyObject({
  version,
  task: announcedTaskSchema,
  attempt: announcedAttempt,
  ...movedEntries,
  plan: announcedPlan,
  counted: optional(
    described(countProgressSchema, "The progress of a count that an earlier invocation began."),
  ),
  "checked-segments": optional(
    described(
      count,
      "A backup: how many segments earlier invocations have compared with their stored files, from the first on.",
    ),
  ),
  "settings-waits": optional(
    described(
      count,
      "How many invocations have waited to give a new table its settings, because the table was being changed.",
    ),
  ),
  ...v.partial(v.object(rowEntries)).entries,
});

/** The input of a task's last step. */
export type TaskFinishing = Omit<
  v.InferOutput<typeof taskFinishingSchema>,
  "version" | keyof typeof rowEntries
>;

/** The continuation of a last step, as the worker puts it. */
export type FinishingContinued = Omit<TaskFinishing, "plan"> & {
  readonly version: typeof VERSION;
  readonly plan: { readonly S: string };
};
