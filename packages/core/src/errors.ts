/**
 * What went wrong, in the words an operator needs: what was attempted, on what, why it failed, what to do.
 */
import type { ErrorCode } from "./error-codes.ts";

/**
 * - `permanent`: trying again cannot help; the segment or task fails at once, with this report.
 * - `throttled`: the service asks for less; back off, hand off, never fail.
 * - `transient`: unknown or passing; the queue tries again until the attempts run out.
 */
export type ErrorKind = "permanent" | "throttled" | "transient";

/** The plain data of a failure, as facts and status rows carry it. */
export interface ErrorReport {
  /** What was attempted, for instance `Scan`. */
  readonly operation: string;
  /** On what: a table, `s3://bucket/key`, a request field. */
  readonly resource: string;
  /** Why it failed. */
  readonly message: string;
  /** What the operator can do about it. */
  readonly hint: string;
  readonly retryable: boolean;
  /** Of a request: everything that is wrong with it. */
  readonly issues?: readonly { readonly field: string; readonly message: string }[];
}

/** What an error is made of. */
interface ErrorAbout extends Omit<ErrorReport, "retryable"> {
  readonly cause?: unknown;
}

/** An error that tells the operator what to do. Thrown by ports and steps; `toReport` is its plain form. */
export class FerryError extends Error {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly operation: string;
  readonly resource: string;
  readonly hint: string;
  readonly issues: ErrorReport["issues"];

  constructor(kind: ErrorKind, code: ErrorCode, about: ErrorAbout) {
    super(about.message, about.cause === undefined ? undefined : { cause: about.cause });
    this.name = "FerryError";
    this.kind = kind;
    this.code = code;
    this.operation = about.operation;
    this.resource = about.resource;
    this.hint = about.hint;
    this.issues = about.issues;
  }
}

/** A permanent error: see `ErrorKind`. */
export function permanent(code: ErrorCode, about: ErrorAbout): FerryError {
  return new FerryError("permanent", code, about);
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

/** Whether the service asked for less. */
export function isThrottled(error: unknown): error is FerryError {
  return error instanceof FerryError && error.kind === "throttled";
}

/** Whether trying again may help: the error is neither permanent nor throttling. An error of no kind is transient. */
export function isTransient(error: unknown): boolean {
  return !(error instanceof FerryError) || error.kind === "transient";
}

/** Whether trying again cannot help. */
export function isPermanent(error: unknown): error is FerryError {
  return error instanceof FerryError && error.kind === "permanent";
}

/** One line for a status row: operation, resource, why, what to do. */
export function sentence(report: ErrorReport): string {
  return `${report.operation} ${report.resource}: ${report.message} ${report.hint}`.trim();
}
