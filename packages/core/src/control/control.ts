/**
 * An operator's controls of a task: cancel and retry. One schema reads both events.
 */
import * as v from "valibot";
import { type FerryError, permanent } from "../errors/errors.ts";
import { cutNesting } from "../errors/nesting.ts";
import { quoted } from "../errors/quote.ts";
import { truncate } from "../errors/truncate.ts";
import { type BusEvent, type FerryEvent, type TaskControlRefused, VERSION } from "../events/events.ts";
import { described, wholeNumber } from "../events/schema-parts.ts";
import type { RequestIssue } from "../request/request.ts";
import type { RowKey } from "../request/task.ts";

/** The largest detail, as JSON, that a refusal repeats in full. */
const DETAIL_LENGTH_MAX = 16 * 1024;
const ISSUES_MAX = 100;
const KEY_LENGTH_MAX = 2048;

/** The detail of `TaskCancelRequested` and `TaskRetryRequested`. */
export const controlSchema = v.objectWithRest(
  {
    task: described(
      v.objectWithRest(
        {
          action: described(
            v.picklist(["backup", "restore"], "must be backup or restore"),
            "From the task's row.",
          ),
          key: described(
            v.pipe(
              v.string("must be a string"),
              v.minLength(1, "must not be empty"),
              v.maxBytes(KEY_LENGTH_MAX, `must have at most ${KEY_LENGTH_MAX} bytes`),
            ),
            "From the task's row.",
          ),
          timestamp: described(wholeNumber, "From the task's row."),
          id: v.optional(
            described(
              v.string("must be a string"),
              "The task's id. If the row belongs to another task, the control is refused.",
            ),
          ),
          "request-id": v.optional(
            described(
              v.string("must be a string"),
              "The id of the task's request, compared in the same way.",
            ),
          ),
        },
        v.never(),
      ),
      "The task's row.",
    ),
    attempt: v.optional(
      described(
        v.pipe(wholeNumber, v.minValue(1, "must be 1 or higher")),
        "A cancel: the attempt to cancel. A retry: the attempt that it follows. The default of both is the latest attempt when the event is first delivered.",
      ),
    ),
  },
  v.never(),
);

/** A parsed cancel or retry. */
export interface Control {
  /** The task's row, with its id and request-id if the operator gave them. */
  readonly task: RowKey & { readonly id?: string; readonly "request-id"?: string };
  /** A cancel: the attempt to cancel. A retry: the attempt that it follows. */
  readonly attempt?: number;
}

/** Reads the detail of `TaskCancelRequested` or `TaskRetryRequested`. Permanent error: `invalid-request`, with all issues. */
export function readControl({ "detail-type": type, detail }: BusEvent): Control {
  const parsed = v.safeParse(controlSchema, cutNesting(detail));
  if (parsed.success) return parsed.output as Control;
  const issues = parsed.issues.slice(0, ISSUES_MAX).map(toIssue);
  throw permanent("invalid-request", {
    operation: type,
    resource: "detail",
    message: `${issues.map(({ message }) => message).join("; ")}.`,
    issues,
    hint: "Take action, key and timestamp from the task's row in the status table, and attempt if the task was retried.",
  });
}

/** The event that reports why a cancel or a retry was refused. */
export function controlRefused(
  control: TaskControlRefused["control"],
  event: BusEvent,
  error: FerryError,
  nearest: TaskControlRefused["nearest"],
): FerryEvent {
  return {
    type: "TaskControlRefused",
    detail: {
      version: VERSION,
      control,
      cause: error.code,
      reason: error.message,
      issues: error.issues ?? [],
      hint: error.hint,
      nearest,
      asked: boundedDetail(event.detail),
      "event-id": event.id,
      time: event.time,
    },
  };
}

function boundedDetail(detail: unknown): unknown {
  const bounded = cutNesting(detail);
  const text = JSON.stringify(bounded) ?? "";
  return text.length <= DETAIL_LENGTH_MAX ? bounded : truncate(text, DETAIL_LENGTH_MAX);
}

function toIssue(issue: v.BaseIssue<unknown>): RequestIssue {
  const field = truncate(v.getDotPath(issue) ?? "detail", 120);
  const issueOf = (message: string) => ({ field, message: `${field} ${message}` });
  if (issue.type === "never")
    return issueOf("is not a field of this event: remove it, or check its spelling");
  if (issue.type === "object_with_rest" && issue.input !== undefined)
    return issueOf(`must be an object: got ${quoted(issue.input)}`);
  if (issue.input === undefined) return issueOf("is required but missing");
  if (WHOLE_NUMBER_ISSUES.has(issue.type))
    return issueOf(`must be a whole number: got ${quoted(issue.input)}`);
  return issueOf(`${issue.message}: got ${quoted(issue.input)}`);
}

/** The issue types of `wholeNumber` that have valibot's own messages. */
const WHOLE_NUMBER_ISSUES: ReadonlySet<string> = new Set(["union", "safe_integer"]);
