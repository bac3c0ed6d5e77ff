/**
 * The schemas of all events on Ferry's bus, and the functions that read details with them.
 */
import type * as v from "valibot";
import { controlSchema } from "../control/control.ts";
import { FerryError } from "../errors/errors.ts";
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
import { parsedOr } from "./parsed-or.ts";
import { unchanged } from "./schema-parts.ts";

/** The schema of each detail-type on the bus. docs/events.md is generated from them. */
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

type Schemas = typeof eventSchemas;
/** The types whose schema does not transform the detail. A Pipe may write numbers as text, so announcements are excluded. */
type UnchangedType = {
  [T in keyof Schemas]: v.InferInput<Schemas[T]> extends v.InferOutput<Schemas[T]> ? T : never;
}[keyof Schemas];

/**
 * The detail of an event of this type, unchanged. Transient error: `malformed-event`, which names each wrong field.
 */
export function readDetail<T extends UnchangedType>(type: T, event: BusEvent): v.InferOutput<Schemas[T]> {
  return readAs(unchanged(eventSchemas[type]), event.detail, nameOf(event), "detail");
}

/** The detail of `TaskFinishing`, with its numbers and plan parsed. Transient error: `malformed-event`. */
export function readFinishing(event: BusEvent): TaskFinishing {
  return readAs(taskFinishingSchema, event.detail, nameOf(event), "detail");
}

function nameOf(event: BusEvent): string {
  return `${event["detail-type"]} ${event.id}`;
}

/**
 * Reads a part of an event. `resource` and `whole` name it in the error. Transient error: `malformed-event`. It is not
 * permanent, because a newer version of Ferry may have put the event during a deployment.
 */
export function readAs<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  resource: string,
  whole: string,
): v.InferOutput<S> {
  return parsedOr(schema, value, whole, (message) => {
    return new FerryError("transient", "malformed-event", {
      operation: "read event",
      resource,
      message,
      hint: "The page docs/events.md lists each event's fields. The message is delivered again, and finally becomes a dead letter: find out which system put the event.",
    });
  });
}
