/**
 * Facts: the projector's events in a normalised form, so that projecting them is a pure join.
 */
import * as v from "valibot";
import { readControl } from "../control/control.ts";
import { sentence } from "../errors/errors.ts";
import { truncate } from "../errors/truncate.ts";
import {
  ATTEMPTS_EXHAUSTED,
  type BusEvent,
  type Counts,
  type Cursor,
  countsSchema,
  cursorSchema,
  type Failure,
  noCounts,
  type Plan,
  type Usage,
  usageSchema,
} from "../events/events.ts";
import { planSchema } from "../events/plan-schema.ts";
import { readAs, readDetail, readFinishing } from "../events/read-event.ts";
import { count, unchanged, wholeNumber } from "../events/schema-parts.ts";
import type { SettingReports } from "../events/setting-reports.ts";
import { requestedBy } from "../request/requested.ts";
import { announcedTaskSchema, type RowKey } from "../request/task.ts";

/** The row of a fact, and the task's ids; an operator may name only the row. */
export type FactRow = RowKey & { readonly id?: string; readonly "request-id"?: string };

export type RequestFields = Readonly<Record<string, string | number | boolean>>;

/** The position of a restore's segment. A backup's position is in its archive. */
export type RestoreCursor = Extract<Cursor, { readonly file: number }>;

/** What a segment's slices used, as far as an event has it. Only the segment's record shows it. */
export interface SegmentUse {
  readonly handoffs?: number;
  readonly usage?: Usage;
}

interface OfSegment {
  readonly attempt: number;
  readonly segment: number;
  readonly counts: Counts;
}

/** The content of a fact, without its row and time. */
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
  | { readonly kind: "finishing"; readonly attempt: number; readonly plan: Plan }
  | { readonly kind: "finished"; readonly attempt: number; readonly settings?: SettingReports }
  | (OfSegment & { readonly kind: "queued" | "completed"; readonly plan: Plan })
  | (OfSegment & { readonly kind: "progressed"; readonly plan: Plan; readonly cursor?: RestoreCursor })
  | (OfSegment & {
      readonly kind: "failed";
      readonly plan?: Plan;
      readonly cursor?: RestoreCursor;
      readonly cause: string;
      readonly text: string;
    });

/** A fact. `time`: of its event, ISO 8601. */
export type Fact = Statement & SegmentUse & { readonly row: FactRow; readonly time: string };

/** A cancel that names no attempt. It becomes a fact when the projector finds the attempt that is current. */
export interface CancelOfCurrent {
  readonly kind: "cancelCurrent";
  readonly row: FactRow;
  readonly time: string;
}

const REASON_LENGTH_MAX = 600;
const NO_LAST_ERROR =
  "No worker could record an error: it was stopped before, for instance by its timeout or for lack of memory. The worker's log has its deliveries, under the task's request-id.";
/** The most JSON of a rejected request in a row. A row has at most 400 KB. */
const REQUEST_LENGTH_MAX = 32 * 1024;

/**
 * Reads a fact. Undefined if it concerns no row: a rejection without a task, or a retry that failed. Transient error:
 * `malformed-event`, if the detail does not match its schema. Permanent error: `invalid-request`, for an invalid cancel.
 */
export function factOf(event: BusEvent): Fact | CancelOfCurrent | undefined {
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
      const { task, attempt, segment, counts, plan, cursor, ...detail } = readDetail(type, event);
      return {
        kind: "progressed",
        row: task,
        time,
        attempt,
        segment,
        counts,
        plan,
        ...restoreCursor(cursor),
        ...useOf(detail),
      };
    }
    case "SegmentCompleted": {
      const { task, attempt, segment, counts, plan, ...detail } = readDetail(type, event);
      return { kind: "completed", row: task, time, attempt, segment, counts, plan, ...useOf(detail) };
    }
    case "TaskFinishing": {
      const { task, attempt, plan } = readFinishing(event);
      return { kind: "finishing", row: task, time, attempt, plan };
    }
    case "TaskFinished": {
      const { task, attempt, settings } = readDetail(type, event);
      return { kind: "finished", row: task, time, attempt, ...(settings !== undefined && { settings }) };
    }
    case "TaskCancelRequested": {
      const { task, attempt } = readControl(event);
      return attempt === undefined
        ? { kind: "cancelCurrent", row: task, time }
        : { kind: "cancel", row: task, time, attempt };
    }
    case "TaskRejected":
    case "SegmentFailed":
    case "TaskStepFailed":
      return failureFact(type, readDetail(type, event), time);
    default:
      throw new Error(
        `${type} is not a fact that the projector reads: its types are those of the rule facts`,
      );
  }
}

const failedEntries = { task: announcedTaskSchema, attempt: v.pipe(wholeNumber, v.minValue(1)) };
/** The fields that the row needs from the detail of a failed step's message. */
const failedStepSchema = v.object(failedEntries);
const failedAcceptanceSchema = v.object({ plan: v.exactOptional(unchanged(planSchema)) });
/** The same for a failed segment. If a Pipe reports it, only the first three fields are guaranteed. */
const failedSegmentSchema = v.object({
  ...failedEntries,
  segment: count,
  counts: v.exactOptional(countsSchema),
  cursor: v.exactOptional(cursorSchema),
  handoffs: v.exactOptional(count),
  usage: v.exactOptional(usageSchema),
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
    const request = scalarsOf(requestedBy(failure.work).request);
    return { kind: "rejected", row: failure.task, time, cause, text, request };
  }
  // A failed retry belongs to no attempt and does not change the row. But if a backup's prefix is taken, or a restore's table
  // was used since, the task cannot continue, and the worker names the attempt that fails.
  if (failure.step === "TaskRetryRequested" && cause !== "prefix-taken" && cause !== "table-used")
    return undefined;
  const resource = `${type} of event ${failure["event-id"]}`;
  if (type === "TaskStepFailed") {
    const { task: row, attempt } = readAs(failedStepSchema, failure.work, resource, "detail.work");
    const known =
      failure.step === "TaskAccepted" &&
      readAs(failedAcceptanceSchema, failure.work, resource, "detail.work");
    return { kind: "stepFailed", row, time, attempt, cause, text, ...known };
  }
  const work = readAs(failedSegmentSchema, failure.work, resource, "detail.work");
  const { task: row, attempt, segment, counts = noCounts, cursor, plan, ...rest } = work;
  const known = { ...(plan !== undefined && { plan }), ...restoreCursor(cursor), ...useOf(rest) };
  return { kind: "failed", row, time, attempt, segment, counts, ...known, cause, text };
}

function restoreCursor(cursor: Cursor | undefined): { cursor?: RestoreCursor } {
  return cursor !== undefined && "file" in cursor ? { cursor } : {};
}

function useOf({ handoffs, usage }: SegmentUse): SegmentUse {
  return { ...(handoffs !== undefined && { handoffs }), ...(usage !== undefined && { usage }) };
}

/** One sentence for the row. */
function reasonText(failure: Failure): string {
  const { cause, error, step } = failure;
  const text = error === undefined ? NO_LAST_ERROR : sentence(error);
  const exhausted = cause === ATTEMPTS_EXHAUSTED ? `${step} failed until its attempts ran out. ` : "";
  return truncate(`${cause}: ${exhausted}${text}`, REASON_LENGTH_MAX);
}

/** The scalar fields of a request of any shape, as many as fit a row. */
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
