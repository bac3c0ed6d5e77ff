/**
 * Errors for operators: the attempted operation, its resource, the reason, and a hint what to do.
 */
import type { ErrorCode, ErrorKind } from "./error-codes.ts";

/** A failure as plain data, for facts and status rows. */
export interface ErrorReport {
  /** The attempted operation, for instance `Scan`. */
  readonly operation: string;
  /** Its resource: a table, `s3://bucket/key`, a request field. */
  readonly resource: string;
  /** The reason, in sentences that name the resource. */
  readonly message: string;
  /** What the operator can do. */
  readonly hint: string;
  readonly retryable: boolean;
  /** All issues of an invalid request. */
  readonly issues?: readonly { readonly field: string; readonly message: string }[];
}

/** The fields of an error. With `predicate`, the message is a sentence about the resource: see `about`. */
type ErrorDetails = Omit<ErrorReport, "retryable" | "message"> & { readonly cause?: unknown } & (
    | { readonly message: string }
    | { readonly predicate: string }
  );

/** An error with a code and a hint for the operator. Ports and steps throw it; `toReport` is its plain form. */
export class FerryError extends Error {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly operation: string;
  readonly resource: string;
  readonly hint: string;
  readonly issues: ErrorReport["issues"];

  constructor(kind: ErrorKind, code: ErrorCode, details: ErrorDetails) {
    const message = "message" in details ? details.message : about(details.resource, details.predicate);
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "FerryError";
    this.kind = kind;
    this.code = code;
    this.operation = details.operation;
    this.resource = details.resource;
    this.hint = details.hint;
    this.issues = details.issues;
  }
}

/** A permanent error: see `ErrorKind`. */
export function permanent(code: ErrorCode, details: ErrorDetails): FerryError {
  return new FerryError("permanent", code, details);
}

/** The same error with another sentence in its hint. */
export function withHint(error: FerryError, sentence: string): FerryError {
  const { kind, code, operation, resource, message, hint, issues, cause } = error;
  const details = { operation, resource, message, hint: `${hint} ${sentence}`, cause };
  return new FerryError(kind, code, { ...details, ...(issues !== undefined && { issues }) });
}

/** The plain form of an error, for facts. */
export function toReport(error: FerryError): ErrorReport {
  return {
    operation: error.operation,
    resource: error.resource,
    message: error.message,
    hint: error.hint,
    retryable: error.kind !== "permanent",
    ...(error.issues !== undefined && { issues: error.issues }),
  };
}

/** Whether the error is throttling. */
export function isThrottled(error: unknown): error is FerryError {
  return error instanceof FerryError && error.kind === "throttled";
}

/** Whether the error is neither permanent nor throttling. An error that is not a FerryError is transient. */
export function isTransient(error: unknown): boolean {
  return !(error instanceof FerryError) || error.kind === "transient";
}

/** Whether the error is permanent: trying again cannot help. */
export function isPermanent(error: unknown): error is FerryError {
  return error instanceof FerryError && error.kind === "permanent";
}

/** One line for a status row: reason and hint. */
export function sentence({ message, hint }: Pick<ErrorReport, "message" | "hint">): string {
  return `${message} ${hint}`.trim();
}

/** A sentence about a resource: `about("table t in r", "is not empty")` is `The table t in r is not empty.` */
export function about(resource: string, predicate: string): string {
  return `${resource.startsWith("s3://") ? resource : `The ${resource}`} ${stopped(predicate)}`;
}

/** The message of anything that was thrown; an error of a service may have only a name. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

/** The text with a full stop at its end. */
export function stopped(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
