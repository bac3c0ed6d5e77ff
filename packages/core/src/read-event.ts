/**
 * Every event on Ferry's bus with the schema of its detail, and the one place where a detail is read.
 */
import * as v from "valibot";
import { controlSchema } from "./control.ts";
import { FerryError } from "./errors.ts";
import {
  announcementSchema,
  type BusEvent,
  failureSchema,
  segmentCompletedSchema,
  segmentProgressedSchema,
  segmentWorkSchema,
  type TaskFinishing,
  taskAcceptedSchema,
  taskControlRefusedSchema,
  taskFinishedSchema,
  taskFinishingSchema,
  taskRequestedSchema,
} from "./events.ts";
import { shown } from "./quote.ts";
import { unchanged } from "./schema-parts.ts";

/** The schema of each detail-type that anyone may put on the bus or hear from it: docs/events.md is generated from them. */
export const eventSchemas = {
  TaskRequested: taskRequestedSchema,
  TaskCancelRequested: controlSchema,
  TaskRetryRequested: controlSchema,
  TaskAccepted: taskAcceptedSchema,
  TaskRejected: failureSchema,
  SegmentQueued: segmentWorkSchema,
  SegmentProgressed: segmentProgressedSchema,
  SegmentCompleted: segmentCompletedSchema,
  SegmentFailed: failureSchema,
  TaskStepFailed: failureSchema,
  TaskFinishing: taskFinishingSchema,
  TaskFinished: taskFinishedSchema,
  TaskSucceeded: announcementSchema,
  TaskFailed: announcementSchema,
  TaskCancelled: announcementSchema,
  TaskControlRefused: taskControlRefusedSchema,
} as const;

/** Issues of one event that are named. */
const ISSUES_MAX = 10;

type Schemas = typeof eventSchemas;
/** Types whose schema changes nothing. A Pipe's numbers may be text, so its announcements are not among them. */
type UnchangedType = {
  [T in keyof Schemas]: v.InferInput<Schemas[T]> extends v.InferOutput<Schemas[T]> ? T : never;
}[keyof Schemas];

/**
 * The detail of an event of this type, as it came. Transient error: `malformed-event`, which names each wrong field.
 */
export function readDetail<T extends UnchangedType>(type: T, event: BusEvent): v.InferOutput<Schemas[T]> {
  return readAs(unchanged(eventSchemas[type]), event.detail, nameOf(event), "detail");
}

/** The detail of `TaskFinishing`, its numbers read. Transient error: `malformed-event`. */
export function readFinishing(event: BusEvent): TaskFinishing {
  return readAs(taskFinishingSchema, event.detail, nameOf(event), "detail");
}

function nameOf(event: BusEvent): string {
  return `${event["detail-type"]} ${event.id}`;
}

/**
 * A value from outside, read by a schema. `resource` and `whole` name it in the error. Transient error: `malformed-event`.
 * It is not permanent, for a newer version of Ferry may have put the event while a deployment is in progress.
 */
export function readAs<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  resource: string,
  whole: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.slice(0, ISSUES_MAX).map((issue) => toText(issue, whole));
  const more = parsed.issues.length - issues.length;
  throw new FerryError("transient", "malformed-event", {
    operation: "read event",
    resource,
    message: `${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`,
    hint: "docs/events.md has each event's fields. The message is delivered again, and becomes a dead letter in the end: find out who put the event.",
  });
}

function toText(issue: v.BaseIssue<unknown>, whole: string): string {
  const path = v.getDotPath(issue);
  const field = path === null ? whole : `${whole}.${path}`;
  if (issue.input === undefined) return `${field} is required but missing`;
  const expected = issue.expected === null ? issue.message : `must be ${issue.expected}`;
  return `${field} ${expected}: got ${shown(issue.input)}`;
}
