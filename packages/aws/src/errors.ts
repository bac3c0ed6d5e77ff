/**
 * What the SDK throws, in the words an operator needs.
 */
import type { ErrorCode } from "@ferry/core/error-codes";
import { type ErrorKind, FerryError } from "@ferry/core/errors";
import type { TableAddress } from "@ferry/core/ports";

/** What a call was about: the API's operation, and a table, `s3://bucket/key` or the like. */
export interface Call {
  readonly operation: string;
  readonly resource: string;
}

interface Classification {
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly hint: string;
}

/** An operation on a table. */
export function onTable(operation: string, table: TableAddress): Call {
  return { operation, resource: `table ${table.name} in ${table.region}` };
}

/** Runs a call to AWS; what it throws comes out as a FerryError of the right kind. */
export async function translateErrors<T>(call: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw ferryError(error, call);
  }
}

/** The FerryError for anything that the SDK, the network or a credential provider threw. */
export function ferryError(error: unknown, call: Call): FerryError {
  if (error instanceof FerryError) return error;
  const { kind, code, hint } = classify(error, call);
  const message = `${nameOf(error)}: ${messageOf(error)}`;
  return new FerryError(kind, code, { ...call, message, hint, cause: error });
}

/** The service's name for an error, for instance `NoSuchKey`. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "Error";
}

/** The status of the HTTP answer that an error came in. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** By the error's name first: DynamoDB sends almost everything with 400. */
function classify(error: unknown, call: Call): Classification {
  const name = nameOf(error);
  const status = statusOf(error);
  if (TRANSIENT.test(name) || /Signature expired|security token .* expired/i.test(messageOf(error)))
    return transient();
  if (THROTTLES.test(name) || status === 429 || status === 503)
    return { kind: "throttled", code: "throttled", hint: "Ferry backs off and goes on by itself." };
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
    return permanent("table-not-active", "Ask again when the table is ACTIVE.");
  if (INVALID.test(name))
    return permanent(
      "invalid-request",
      "What was sent does not fit the table or bucket: check that it is the right one.",
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
    hint: "The queue tries again; if it does not pass, look at AWS's health page.",
  };
}

/** Credentials that were good and will be again, clocks, and time. */
const TRANSIENT =
  /^(ExpiredToken|RequestExpired|TokenRefreshRequired|RequestTimeTooSkewed|RequestTimeout|TimeoutError)/;
/** KMS is asked by S3 and DynamoDB on our behalf: its throttles come with its name in front. */
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
  region: "Check bucket-region: it must be the region in which the bucket is.",
  table: "Check table-name and table-region, and that the table is ACTIVE.",
  bucket: "Check bucket-name and bucket-region.",
  key: "Check kms-key-id: the key must be enabled, in the resource's region, and usable by the worker's role.",
  credentials:
    "Check the credentials and the account of this process: AWS does not know them, or the region is not enabled.",
} as const;

/** What a role needs for an operation, where it is not the operation's own name. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  PutObject: "s3:PutObject (with a KMS key also kms:GenerateDataKey and kms:Decrypt)",
  HeadObject: "s3:GetObject and s3:ListBucket (without the latter S3 says 403 of objects that are not there)",
  GetObject: "s3:GetObject and s3:ListBucket (with a KMS key also kms:Decrypt)",
  ListObjectsV2: "s3:ListBucket",
  PutEvents: "events:PutEvents",
  ChangeMessageVisibility: "sqs:ChangeMessageVisibility",
};

function accessHint(operation: string): string {
  const permission = PERMISSIONS[operation] ?? `dynamodb:${operation}`;
  const besides = operation.includes("Object")
    ? "the bucket's policy, and bucket-owner where the request names one"
    : "the resource's own policy where it is another account's";
  return `Check that the role is allowed ${permission}; then ${besides}.`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
