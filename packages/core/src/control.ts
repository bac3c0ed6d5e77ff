/**
 * What operators ask of a task: to cancel it or to retry it. One schema reads both events.
 */
import * as v from "valibot";
import { type FerryError, permanent } from "./errors.ts";
import { type BusEvent, type FerryEvent, type TaskControlRefused, VERSION } from "./events.ts";
import { cutNesting } from "./nesting.ts";
import { shown } from "./quote.ts";
import type { RequestIssue } from "./request.ts";
import { about, wholeNumber } from "./schema-parts.ts";
import type { RowKey } from "./task.ts";
import { truncate } from "./truncate.ts";

/** As JSON, of a detail that is given back whole. */
const ASKED_LENGTH_MAX = 16 * 1024;
const ISSUES_MAX = 100;
const KEY_LENGTH_MAX = 2048;

/** The detail of `TaskCancelRequested` and `TaskRetryRequested`. */
export const controlSchema = v.objectWithRest(
  {
    task: about(
      v.objectWithRest(
        {
          action: about(v.picklist(["backup", "restore"], "must be backup or restore"), "As the row has it."),
          key: about(
            v.pipe(
              v.string("must be a string"),
              v.minLength(1, "must not be empty"),
              v.maxBytes(KEY_LENGTH_MAX, `must have ${KEY_LENGTH_MAX} bytes at most`),
            ),
            "As the row has it.",
          ),
          timestamp: about(wholeNumber, "As the row has it."),
          id: v.optional(
            about(
              v.string("must be a string"),
              "The task's id: where the row is another task's, nothing changes.",
            ),
          ),
          "request-id": v.optional(about(v.string("must be a string"), "The id of its request: likewise.")),
        },
        v.never(),
      ),
      "The task's row.",
    ),
    attempt: v.optional(
      about(
        v.pipe(wholeNumber, v.minValue(1, "must be 1 or higher")),
        "A cancel: the attempt to cancel, 1 without it. A retry: the attempt that it follows; the last one without it.",
      ),
    ),
  },
  v.never(),
);

/** A cancel or a retry that can be read. */
export interface Control {
  /** The task's row; its id and request-id where the operator named them, too. */
  readonly task: RowKey & { readonly id?: string; readonly "request-id"?: string };
  /** A cancel: the attempt to cancel. A retry: the attempt that the operator saw. */
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
    hint: "Take action, key and timestamp from the task's row in the status table, and attempt where the task was retried.",
  });
}

/** The event that says why a cancel or a retry changes nothing. */
export function controlRefused(
  control: TaskControlRefused["control"],
  event: BusEvent,
  error: FerryError,
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
      asked: bounded(event.detail),
      "event-id": event.id,
      time: event.time,
    },
  };
}

function bounded(detail: unknown): unknown {
  const asked = cutNesting(detail);
  const text = JSON.stringify(asked) ?? "";
  return text.length <= ASKED_LENGTH_MAX ? asked : truncate(text, ASKED_LENGTH_MAX);
}

function toIssue(issue: v.BaseIssue<unknown>): RequestIssue {
  const field = truncate(v.getDotPath(issue) ?? "detail", 120);
  const said = (message: string) => ({ field, message: `${field} ${message}` });
  if (issue.type === "never") return said("is not a field of this event: remove it, or check its spelling");
  if (issue.type === "object_with_rest" && issue.input !== undefined)
    return said(`must be an object: got ${shown(issue.input)}`);
  if (issue.input === undefined) return said("is required but missing");
  if (WHOLE_NUMBER_ISSUES.has(issue.type)) return said(`must be a whole number: got ${shown(issue.input)}`);
  return said(`${issue.message}: got ${shown(issue.input)}`);
}

/** The issues of `wholeNumber`, whose own messages are not in our words. */
const WHOLE_NUMBER_ISSUES: ReadonlySet<string> = new Set(["union", "safe_integer"]);
