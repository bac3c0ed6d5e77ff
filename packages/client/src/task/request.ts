/**
 * A request before it is sent: completed with defaults, and checked with the engine's own schema and messages.
 */
import { randomUUID } from "node:crypto";
import { HeadBucketCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { translateErrors } from "@ferry/aws/errors";
import {
  type BackupRequest,
  parseRequest,
  type Request,
  type RequestIssue,
  type RestoreRequest,
} from "@ferry/core/request/request";
import { identify, REQUEST_ID, REQUEST_ID_LENGTH_MAX, rowKeyOf } from "@ferry/core/request/task";
import { SEGMENTS_MAX } from "@ferry/core/settings/settings";
import { isoOf } from "@ferry/core/time";
import type { AwsAccess } from "../access.ts";
import { ClientError, explaining } from "../client-error.ts";

/** The regions may be absent: then they are the default region and the bucket's own. */
type Input<R extends Request> = Omit<R, "action" | "table-region" | "bucket-region"> & {
  readonly "table-region"?: string;
  readonly "bucket-region"?: string;
};
export type BackupInput = Input<BackupRequest>;
export type RestoreInput = Input<RestoreRequest>;

/** A valid request that was not sent yet. */
export interface PreparedRequest {
  readonly request: Request;
  /** The detail of the TaskRequested event. */
  readonly detail: { readonly request: Request; readonly "request-id": string };
  readonly requestId: string;
  /** The key of the task's row. */
  readonly key: string;
  /** ms since 1970, to which `{date}` and `{time}` were expanded. */
  readonly requestTimeMs: number;
}

/** An invalid request: all its issues, in the engine's words. */
export class InvalidRequest extends ClientError {
  readonly issues: readonly RequestIssue[];

  constructor(issues: readonly RequestIssue[]) {
    super("usage", "invalid-request", {
      message: issues.map(({ message }) => `${message}.`).join("\n"),
      hint: "Nothing was sent. docs/request.schema.json describes every field.",
    });
    this.issues = issues;
  }
}

/**
 * Completes and checks a request. A missing bucket-region is read from the bucket. `input` may hold any values: a caller such
 * as the ferry command passes texts. Throws InvalidRequest with all issues; ClientErrors `no-such-bucket`, `access-denied`.
 */
export async function prepareRequest(
  access: AwsAccess,
  input: Readonly<Record<string, unknown>>,
  requestId: string = randomUUID(),
): Promise<PreparedRequest> {
  // Ferry would use the event's id in its place, and the client would wait for an id that no task has.
  if (!REQUEST_ID.test(requestId))
    throw new InvalidRequest([
      {
        field: "request-id",
        message: `request-id must be 1 to ${REQUEST_ID_LENGTH_MAX} of A-Z a-z 0-9 _ . : -: got ${JSON.stringify(requestId)}`,
      },
    ]);
  const requestTimeMs = Date.now();
  // The client does not know the stage's settings: the stage refuses what its own settings do not allow.
  const most = { maximumSegments: SEGMENTS_MAX, compression: "zstd" } as const;
  const read = (request: unknown) => parseRequest(request, { requestTimeMs, ...most });
  const tableRegion = input["table-region"] ?? regionOfArn(input["table-name"]) ?? (await access.region());
  // With any bucket region at first, so that wrong fields are reported before a bucket is called.
  const placed = { ...input, "table-region": tableRegion };
  const draft = read({ "bucket-region": "us-east-1", ...placed });
  if ("issues" in draft) throw new InvalidRequest(draft.issues);
  const parsed = read({
    ...placed,
    "bucket-region": input["bucket-region"] ?? (await bucketRegion(access, draft.request["bucket-name"])),
  });
  if ("issues" in parsed) throw new InvalidRequest(parsed.issues);
  const { request } = parsed;
  const detail = { request, "request-id": requestId };
  const identity = identify(detail, { id: requestId, time: isoOf(requestTimeMs) });
  const key = rowKeyOf(identity, requestTimeMs);
  if (key === undefined)
    throw new InvalidRequest([{ field: "request", message: "the names are too long for a key" }]);
  return { request, detail, requestId, key, requestTimeMs };
}

/** The region of a bucket. ClientErrors `no-such-bucket`, `access-denied`. */
export async function bucketRegion(access: AwsAccess, bucket: string): Promise<string> {
  const home = await access.region();
  const call = { operation: "HeadBucket", resource: `s3://${bucket}` };
  return explaining(call, async () => {
    try {
      const answer = await translateErrors(call, () =>
        access.s3(home).send(new HeadBucketCommand({ Bucket: bucket })),
      );
      return answer.BucketRegion ?? home;
    } catch (error) {
      // A HEAD response has no body, so the error has no name.
      if ((error as { cause?: { name?: string } }).cause?.name === "NotFound") throw noSuchBucket(bucket);
      // A list needs the same permission, and its response says why it was refused.
      await translateErrors({ ...call, operation: "ListObjectsV2" }, () =>
        access.s3(home).send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 })),
      );
      throw error;
    }
  });
}

function noSuchBucket(bucket: string): ClientError {
  return new ClientError("not-found", "no-such-bucket", {
    message: `There is no bucket ${bucket}.`,
    hint: "Check its name, and that the credentials are those of the right account.",
  });
}

function regionOfArn(tableName: unknown): string | undefined {
  return typeof tableName === "string" ? /^arn:[^:]*:dynamodb:([^:]+):/.exec(tableName)?.[1] : undefined;
}
