import * as v from "valibot";
import { quoted } from "../errors/quote.ts";

/** The most issues that are reported for one value. */
const ISSUES_MAX = 10;

/**
 * Reads a value from outside with a schema. If it does not match, it throws `toError(message)`; the message names each wrong
 * field. `whole` names the value itself.
 */
export function parsedOr<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  whole: string,
  toError: (message: string) => Error,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.slice(0, ISSUES_MAX).map((issue) => toText(issue, whole));
  const more = parsed.issues.length - issues.length;
  throw toError(`${issues.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`);
}

function toText(issue: v.BaseIssue<unknown>, whole: string): string {
  const path = v.getDotPath(issue);
  const field = path === null ? whole : `${whole}.${path}`;
  if (issue.input === undefined) return `${field} is required but missing`;
  const expected =
    issue.expected === null || issue.type === "custom" ? issue.message : `must be ${issue.expected}`;
  return `${field} ${expected}: got ${quoted(issue.input)}`;
}
