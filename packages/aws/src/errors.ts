/**
 * Turns errors of the AWS SDK into FerryErrors with a code and a hint for operators.
 */

import type { ErrorCode, ErrorKind } from "@ferry/core/errors/error-codes";
import { FerryError, messageOf, stopped } from "@ferry/core/errors/errors";
import { type TableAddress, tableResource } from "@ferry/core/request/addresses";

/** A call for an error's report: the API's operation, and the resource: a table, `s3://bucket/key` or the like. */
export interface Call {
  readonly operation: string;
  readonly resource: string;
}

interface Classification {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly hint: string;
}

/** The call of an operation on a table. */
export function onTable(operation: string, table: TableAddress): Call {
  return { operation, resource: tableResource(table) };
}

/** Runs a call to AWS. Throws any error as a FerryError. */
export async function translateErrors<T>(call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw ferryError(error, call);
  }
}

/** DynamoDB's error for a write whose condition does not hold. */
export const CONDITION_FAILED = /^ConditionalCheckFailedException$/;

/** Runs a call to AWS. Resolves with `instead` if the service answers with an error of such a name. */
export async function unlessNamed<T, U>(names: RegExp, instead: U, run: () => Promise<T>): Promise<T | U> {
  try {
    return await run();
  } catch (error) {
    if (names.test(nameOf(error))) return instead;
    throw error;
  }
}

/** The FerryError for any error of the SDK, the network or a credential provider. */
export function ferryError(error: unknown, call: Call): FerryError {
  if (error instanceof FerryError) return error;
  const { kind, code, hint } = classify(error, call);
  const message = `${call.operation} on ${call.resource} failed: ${nameOf(error)}: ${stopped(messageOf(error))}`;
  return new FerryError(kind, code, { ...call, message, hint, cause: error });
}

/** The service's name for an error, for instance `NoSuchKey`. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

/** The HTTP status of the response that an error came with. */
export function httpStatusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** The name decides before the status: DynamoDB sends almost every error with 400. */
function classify(error: unknown, call: Call): Classification {
  const name = nameOf(error);
  const status = httpStatusOf(error);
  if (TRANSIENT.test(name) || /Signature expired|security token .* expired/i.test(messageOf(error)))
    return transient();
  if (THROTTLES.test(name) || status === 429 || status === 503)
    return {
      kind: "throttled",
      code: "throttled",
      hint: "Ferry backs off and retries; nothing needs to be done.",
    };
  if (WRONG_REGION.has(name) || status === 301) return permanent("wrong-region", HINTS.region);
  if (/^ResourceNotFound|^TableNotFound/.test(name)) return permanent("no-such-table", HINTS.table);
  if (name === "NoSuchBucket") return permanent("no-such-bucket", HINTS.bucket);
  if (UNUSABLE_KEY.test(name)) return permanent("key-not-usable", HINTS.key);
  if (CREDENTIALS.test(name)) return permanent("credentials-refused", HINTS.credentials);
  if (name === "InvalidObjectState")
    return permanent(
      "object-not-readable",
      "The object is in an archival storage class: restore it to a readable one first.",
    );
  if (/^AccessDenied|^AllAccessDisabled|^Forbidden$/.test(name) || status === 403)
    return permanent("access-denied", accessHint(call.operation));
  if (name === "ResourceInUseException" || name === "TableInUseException")
    return permanent("table-not-active", "Request the task again when the table is ACTIVE.");
  if (INVALID.test(name))
    return permanent(
      "invalid-request",
      "The request does not match the table or bucket: check that it is the right one.",
    );
  return transient();
}

function permanent(code: ErrorCode, hint: string): Classification {
  return { kind: "permanent", code, hint };
}

function transient(): Classification {
  return {
    kind: "transient",
    code: "service-error",
    hint: "The queue delivers the message again; if the error persists, check the AWS Health Dashboard.",
  };
}

/** Expired credentials, which are renewed, clock skew and timeouts. */
const TRANSIENT =
  /^(ExpiredToken|RequestExpired|TokenRefreshRequired|RequestTimeTooSkewed|RequestTimeout|TimeoutError)/;
/** S3 and DynamoDB call KMS for Ferry, and prefix KMS's errors with its name. */
const THROTTLES =
  /^((KMS\.?)?Throttling(Exception|Error)?|Throttled(Exception)?|ProvisionedThroughputExceeded(Exception)?|RequestLimitExceeded|TooManyRequests(Exception)?|SlowDown|RequestThrottled(Exception)?|BandwidthLimitExceeded)$/;
const UNUSABLE_KEY =
  /^KMS\.?(KMS)?(Disabled|NotFound|InvalidState|InvalidKeyUsage|AccessDenied|OptInRequired)(Exception)?$/;
const WRONG_REGION: ReadonlySet<string> = new Set([
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
]);
const CREDENTIALS =
  /^(UnrecognizedClient(Exception)?|InvalidClientTokenId|InvalidAccessKeyId|InvalidSignature(Exception)?|SignatureDoesNotMatch|IncompleteSignature(Exception)?|MissingAuthenticationToken(Exception)?|InvalidToken|NotSignedUp|OptInRequired)$/;
const INVALID =
  /^(Validation(Exception|Error)|SerializationException|ItemCollectionSizeLimitExceeded(Exception)?|InvalidRequest|InvalidArgument|InvalidBucketName|InvalidParameter(Value|Exception)?|InvalidEndpointException|EntityTooLarge|MetadataTooLarge|KeyTooLong(Error)?|MethodNotAllowed|InvalidStorageClass|UnknownOperationException)$/;

const HINTS = {
  region: "Check bucket-region: it must be the bucket's region.",
  table: "Check table-name and table-region, and that the table is ACTIVE.",
  bucket: "Check bucket-name and bucket-region.",
  key: "Check kms-key-id: the key must be enabled, in the resource's region, and usable by the worker's role.",
  credentials:
    "Check the credentials and the account of this process: AWS refused them, or the region is not enabled.",
} as const;

/** The permission for an operation, if its name differs from the operation's. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  PutObject: "s3:PutObject (with a KMS key also kms:GenerateDataKey and kms:Decrypt)",
  HeadObject: "s3:GetObject and s3:ListBucket (without the latter S3 answers 403 for missing objects)",
  GetObject: "s3:GetObject and s3:ListBucket (with a KMS key also kms:Decrypt)",
  ListObjectsV2: "s3:ListBucket",
  HeadBucket: "s3:ListBucket",
  DescribePipe: "pipes:DescribePipe",
  DescribeEventBus: "events:DescribeEventBus",
  GetAccountSettings: "lambda:GetAccountSettings",
  PutEvents: "events:PutEvents",
  ChangeMessageVisibility: "sqs:ChangeMessageVisibility",
};

function accessHint(operation: string): string {
  const permission = PERMISSIONS[operation] ?? `dynamodb:${operation}`;
  const policy = /Object|Bucket/.test(operation)
    ? "the bucket's policy, and bucket-owner if the request has one"
    : "the resource's own policy if another account owns it";
  return `Check that the role is allowed ${permission}; then check ${policy}.`;
}
