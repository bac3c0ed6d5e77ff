/**
 * Facts, as the projector reads them off the bus: normalised, so that projecting them is a pure join.
 */
import * as v from "valibot";
import { readControl } from "../control.ts";
import { sentence } from "../errors.ts";
import {
  type BusEvent,
  type Counts,
  countsSchema,
  cursorSchema,
  type Failure,
  noCounts,
  type Plan,
} from "../events.ts";
import { planSchema } from "../plan-schema.ts";
import { readAs, readDetail } from "../read-event.ts";
import { count, fieldOf, unchanged, wholeNumber } from "../schema-parts.ts";
import { announcedTaskSchema, type RowKey } from "../task.ts";
import { truncate } from "../truncate.ts";

/** Which row a fact is about, and of which task; an operator may name the row alone. */
export type FactRow = RowKey & { readonly id?: string; readonly "request-id"?: string };

export type RequestFields = Readonly<Record<string, string | number | boolean>>;

/** What a fact says, without whom and when. */
export type Statement =
  | { readonly kind: "accepted"; readonly attempt: number; readonly plan: Plan }
  | {
      readonly kind: "rejected";
      readonly cause: string;
      readonly text: string;
      readonly request: RequestFields;
    }
  | { readonly kind: "cancel"; readonly attempt: number }
  | {
      readonly kind: "stepFailed";
      readonly attempt: number;
      readonly cause: string;
      readonly text: string;
      readonly plan?: Plan;
    }
  | { readonly kind: "finished"; readonly attempt: number }
  | {
      readonly kind: "queued" | "completed";
      readonly attempt: number;
      readonly segment: number;
      readonly counts: Counts;
      readonly plan: Plan;
    }
  | {
      readonly kind: "progressed";
      readonly attempt: number;
      readonly segment: number;
      readonly counts: Counts;
    }
  | {
      readonly kind: "failed";
      readonly attempt: number;
      readonly segment: number;
      readonly counts: Counts;
      readonly plan?: Plan;
      /** Where a restore's segment stood. */
      readonly cursor?: { readonly file: number; readonly line: number };
      readonly cause: string;
      readonly text: string;
    };

/** ISO 8601 of its event. */
export type Fact = Statement & { readonly row: FactRow; readonly time: string };

const REASON_LENGTH_MAX = 600;
/** As JSON: a row has 400 KB at most. */
const REQUEST_LENGTH_MAX = 32 * 1024;

/**
 * Reads a fact. Nothing where it concerns no row: a rejection without a task, or a retry that was given up.
 * Transient error: `malformed-event`, where the detail is not what its type promises; a cancel that cannot be read is a permanent error.
 */
export function factOf(event: BusEvent): Fact | undefined {
  const { time } = event;
  const type = event["detail-type"];
  switch (type) {
    case "TaskAccepted": {
      const { task, attempt, plan } = readDetail(type, event);
      return { kind: "accepted", row: task, time, attempt, plan };
    }
    case "SegmentQueued": {
      const { task, attempt, segment, counts, plan } = readDetail(type, event);
      return { kind: "queued", row: task, time, attempt, segment, counts, plan };
    }
    case "SegmentProgressed": {
      const { task, attempt, segment, counts } = readDetail(type, event);
      return { kind: "progressed", row: task, time, attempt, segment, counts };
    }
    case "SegmentCompleted": {
      const { task, attempt, segment, counts, plan } = readDetail(type, event);
      return { kind: "completed", row: task, time, attempt, segment, counts, plan };
    }
    case "TaskFinished": {
      const { task, attempt } = readDetail(type, event);
      return { kind: "finished", row: task, time, attempt };
    }
    case "TaskCancelRequested": {
      const { task, attempt = 1 } = readControl(event);
      return { kind: "cancel", row: task, time, attempt };
    }
    case "TaskRejected":
    case "SegmentFailed":
    case "TaskStepFailed":
      return failureFact(type, readDetail(type, event), time);
    default:
      throw new Error(`${type} is no fact that the projector knows; it knows the types of the rule facts`);
  }
}

const whoFailed = { task: announcedTaskSchema, attempt: v.pipe(wholeNumber, v.minValue(1)) };
/** Of a step that failed: its message's detail, as far as the row needs it. */
const failedStepSchema = v.object(whoFailed);
const failedAcceptanceSchema = v.object({ plan: v.exactOptional(unchanged(planSchema)) });
/** Of a segment that failed: the same. Of what a Pipe gave up, only the first three are sure to be there. */
const failedSegmentSchema = v.object({
  ...whoFailed,
  segment: count,
  counts: v.exactOptional(countsSchema),
  cursor: v.exactOptional(cursorSchema),
  plan: v.exactOptional(unchanged(planSchema)),
});

function failureFact(
  type: "TaskRejected" | "SegmentFailed" | "TaskStepFailed",
  failure: Failure,
  time: string,
): Fact | undefined {
  const { cause } = failure;
  const text = reasonText(failure);
  if (type === "TaskRejected") {
    if (failure.task === undefined) return undefined;
    const request = scalarsOf(fieldOf(failure.work, "request"));
    return { kind: "rejected", row: failure.task, time, cause, text, request };
  }
  // A retry that was given up belongs to no attempt, and the row stays as it is. But a backup that has lost its prefix can
  // never go on, and the worker says which attempt that ends.
  if (failure.step === "TaskRetryRequested" && cause !== "prefix-taken") return undefined;
  const resource = `${type} of event ${failure["event-id"]}`;
  if (type === "TaskStepFailed") {
    const { task: row, attempt } = readAs(failedStepSchema, failure.work, resource, "detail.work");
    const known =
      failure.step === "TaskAccepted" &&
      readAs(failedAcceptanceSchema, failure.work, resource, "detail.work");
    return { kind: "stepFailed", row, time, attempt, cause, text, ...known };
  }
  const work = readAs(failedSegmentSchema, failure.work, resource, "detail.work");
  const { task: row, attempt, segment, counts = noCounts, cursor, plan } = work;
  const known = {
    ...(plan !== undefined && { plan }),
    ...(cursor !== undefined && "file" in cursor && { cursor }),
  };
  return { kind: "failed", row, time, attempt, segment, counts, ...known, cause, text };
}

/** One sentence for the row. */
function reasonText(failure: Failure): string {
  const text =
    failure.error === undefined
      ? `${failure.cause}: ${failure.step} was tried until its attempts ran out; the worker's log says why, under the task's request-id.`
      : `${failure.cause}: ${sentence(failure.error)}`;
  return truncate(text, REASON_LENGTH_MAX);
}

/** What a row can show of a request that may be anything: its plain fields, as many as fit. */
function scalarsOf(request: unknown): RequestFields {
  if (typeof request !== "object" || request === null) return {};
  const fields: Record<string, string | number | boolean> = {};
  let room = REQUEST_LENGTH_MAX;
  for (const [name, value] of Object.entries(request)) {
    const plain = typeof value === "number" ? Number.isFinite(value) : typeof value === "boolean";
    if (!plain && typeof value !== "string") continue;
    const length = JSON.stringify([name, value]).length;
    if (length > room) continue;
    room -= length;
    fields[name] = value;
  }
  return fields;
}
