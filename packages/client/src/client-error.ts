/**
 * Errors for users of the client: what is wrong in one line, and what to do in another.
 */
import { type Call, httpStatusOf, nameOf, translateErrors } from "@ferry/aws/errors";
import { FerryError, messageOf, stopped } from "@ferry/core/errors/errors";
import { localHost } from "@ferry/core/local-host";
import type { ClientErrorCode } from "./client-error-codes.ts";

/**
 * - `failed`: it was tried, and did not succeed.
 * - `usage`: the input or the set-up is wrong; nothing was tried.
 * - `not-found`: a named table, bucket, archive, task or stage does not exist.
 * - `refused`: Ferry, AWS or the user refused it.
 */
export type ErrorGroup = "failed" | "usage" | "not-found" | "refused";

/** An error with a code and a hint. */
export class ClientError extends Error {
  readonly group: ErrorGroup;
  /** A stable name for programs: docs/errors.md. */
  readonly code: ClientErrorCode;
  /** What to do. */
  readonly hint: string;

  constructor(
    group: ErrorGroup,
    code: ClientErrorCode,
    details: { message: string; hint: string; cause?: unknown },
  ) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ClientError";
    this.group = group;
    this.code = code;
    this.hint = details.hint;
  }
}

const REFUSED: ReadonlySet<string> = new Set([
  "access-denied",
  "credentials-refused",
  "prefix-taken",
  "table-not-empty",
  "mode-not-possible",
  "key-schema-mismatch",
  "archive-moved",
]);
const SIGN_IN = "Sign in again, for instance with `aws sso login`, or set AWS_PROFILE or --profile.";

/** Calls AWS with the SDK. ClientErrors such as `access-denied`. */
export function calling<T>(call: Call, run: () => Promise<T>): Promise<T> {
  return explaining(call, () => translateErrors(call, run));
}

/** Runs the engine's code; throws any error of it as a ClientError. */
export async function explaining<T>(call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw explained(error, call);
  }
}

/** The ClientError for any error of the engine's code, the SDK or the network. */
export function explained(error: unknown, call: Call): ClientError {
  if (error instanceof ClientError) return error;
  return setUpError(rootOf(error), error) ?? serviceError(error, call);
}

/** The SDK's error, if the engine's code wrapped it. */
function rootOf(error: unknown): unknown {
  return error instanceof FerryError && error.cause !== undefined ? error.cause : error;
}

/** Missing credentials, a missing region, a service that cannot be reached. */
function setUpError(error: unknown, cause: unknown): ClientError | undefined {
  const text = messageOf(error);
  const code = networkCode(error);
  if (code === "ECONNREFUSED" && /127\.0\.0\.1|localhost/.test(text + String((error as Error)?.cause ?? "")))
    return new ClientError("not-found", "no-local-host", {
      message: "No local host answers.",
      hint: `Start one with \`npm run local\`. If it has another port than ${localHost.port}, set ${localHost.variable}=http://127.0.0.1:PORT.`,
      cause,
    });
  if (code !== undefined)
    return new ClientError("failed", "no-connection", {
      message: `AWS cannot be reached: ${text}.`,
      hint: "Check the network, a proxy's variables, and that the region exists.",
      cause,
    });
  const name = nameOf(error);
  if (name === "CredentialsProviderError" || /could not load credentials/i.test(text))
    return new ClientError("usage", "no-credentials", {
      message: `There are no AWS credentials: ${text.replace(/\.$/, "")}.`,
      hint: "Sign in with `aws sso login` or `aws configure`, or set AWS_PROFILE or --profile.",
      cause,
    });
  if (/region is missing/i.test(text))
    return new ClientError("usage", "no-region", {
      message: "There is no region.",
      hint: "Give --region, or set AWS_REGION.",
      cause,
    });
  if (name === "RequestTimeTooSkewed" || /signature (expired|not yet current)/i.test(text))
    return new ClientError("usage", "wrong-clock", {
      message: `The clock of this machine differs from that of AWS: ${stopped(text)}`,
      hint: "Set the clock, then run it again.",
      cause,
    });
  if (/deserialization error/i.test(text))
    return new ClientError("failed", "no-connection", {
      message: `The answer is not one of AWS: ${stopped(text.split("\n")[0]!.trim())}`,
      hint: "A proxy may have answered. Check the network, a proxy's variables, and AWS_ENDPOINT_URL if it is set.",
      cause,
    });
  if (/^(ExpiredToken|TokenRefreshRequired)/.test(name) || /token .*expired/i.test(text))
    return new ClientError("refused", "credentials-expired", {
      message: "The AWS credentials have expired.",
      hint: SIGN_IN,
      cause,
    });
  return undefined;
}

function serviceError(error: unknown, call: Call): ClientError {
  if (!(error instanceof FerryError)) {
    const status = httpStatusOf(error);
    return new ClientError("failed", "service-error", {
      message: `${call.operation} on ${call.resource} failed: ${nameOf(error)}: ${stopped(messageOf(error))}`,
      hint:
        status === undefined
          ? "Run it again with --debug to see the stack trace."
          : "Run it again; if it persists, check the AWS Health Dashboard.",
      cause: error,
    });
  }
  const missing = missingThing(error);
  if (missing !== undefined) return new ClientError("not-found", error.code, { ...missing, cause: error });
  const group = REFUSED.has(error.code) ? "refused" : "failed";
  const hint =
    error.code === "credentials-refused"
      ? SIGN_IN
      : error.code === "access-denied"
        ? error.hint.replace("the role", "your role")
        : error.hint.replace("The queue delivers the message again", "Run it again");
  return new ClientError(group, error.code, { message: error.message, hint, cause: error });
}

/** The engine's texts name the fields of a request. A user of the client may have sent none. */
function missingThing({ code, resource }: FerryError): { message: string; hint: string } | undefined {
  switch (code) {
    case "no-such-table":
      return {
        message: `There is no ${resource}.`,
        hint: "Check its name, its region, and the account of the credentials.",
      };
    case "no-such-bucket":
      return {
        message: `There is no bucket ${/^s3:\/\/([^/]+)/.exec(resource)?.[1] ?? resource}.`,
        hint: "Check its name, and the account of the credentials.",
      };
    case "no-manifest": {
      const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)\/manifest-summary\.json$/.exec(resource) ?? [];
      return {
        message: `s3://${bucket}/${prefix} holds no finished backup or export.`,
        hint: `\`ferry archives s3://${bucket}\` lists the archives in the bucket, and those that are not sealed.`,
      };
    }
    default:
      return undefined;
  }
}

const NETWORK = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "ECONNRESET",
  "EHOSTUNREACH",
]);

function networkCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && NETWORK.has(code)) return code;
    if (at instanceof AggregateError)
      for (const one of at.errors) {
        const inner = networkCode(one);
        if (inner !== undefined) return inner;
      }
  }
  return undefined;
}
