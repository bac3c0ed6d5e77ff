/**
 * Finds the archives under a prefix.
 */
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { translateErrors } from "@ferry/aws/errors";
import { manifestSummaryKey, taskKey } from "@ferry/core/archive/keys";
import { decodeSummary, type Summary } from "@ferry/core/archive/summary";
import { readPlan } from "@ferry/core/archive/task-file";
import type { AwsAccess } from "../access.ts";
import { explaining } from "../client-error.ts";
import { type S3Place, s3Url } from "../s3-url.ts";
import { bucketAt } from "./open-archive.ts";

/** An archive in a list. Times are ISO 8601. */
export interface ListedArchive {
  readonly url: string;
  /** `broken`: its summary cannot be read. `open`: it has no summary yet, or never will. */
  readonly state: "sealed" | "open" | "broken";
  readonly writer: "ferry" | "dynamodb" | "unknown";
  /** Whether its lines are changes: an incremental export. */
  readonly incremental: boolean;
  /** The table's ARN. */
  readonly tableArn?: string;
  /** When it was begun: no item is older than it was at this time. */
  readonly startedTime?: string;
  readonly items?: number;
  /** Uncompressed bytes; absent for an export of DynamoDB. */
  readonly bytes?: number;
  readonly files?: number;
  /** Why it is broken. */
  readonly problem?: string;
}

const SUMMARY_NAME = "manifest-summary.json";
const TASK_NAME = "task.json";

/** Yields the archives at and below a place, in the order of their keys. It lists folders, not the data files in archives. */
export async function* listArchives(
  access: Pick<AwsAccess, "archive" | "region" | "s3">,
  place: S3Place,
): AsyncGenerator<ListedArchive, void, void> {
  const folder = await listFolder(access, place);
  if (folder.names.has(SUMMARY_NAME) || folder.names.has(TASK_NAME)) {
    yield await describeArchive(access, place, folder.names.has(SUMMARY_NAME));
    return;
  }
  for (const prefix of folder.folders) yield* listArchives(access, { bucket: place.bucket, prefix });
}

interface Folder {
  /** The names of the objects directly in it. */
  readonly names: ReadonlySet<string>;
  /** The prefixes of its folders, without a trailing slash. */
  readonly folders: readonly string[];
}

async function listFolder(access: Pick<AwsAccess, "region" | "s3">, place: S3Place): Promise<Folder> {
  const Prefix = place.prefix === "" ? "" : `${place.prefix}/`;
  const client = access.s3(await access.region());
  const call = { operation: "ListObjectsV2", resource: s3Url(place) };
  const names = new Set<string>();
  const folders: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await explaining(call, () =>
      translateErrors(call, () =>
        client.send(
          new ListObjectsV2Command({ Bucket: place.bucket, Prefix, Delimiter: "/", ContinuationToken }),
        ),
      ),
    );
    for (const { Key = "" } of page.Contents ?? []) names.add(Key.slice(Prefix.length));
    for (const { Prefix: folder = "" } of page.CommonPrefixes ?? []) folders.push(folder.slice(0, -1));
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
  return { names, folders };
}

async function describeArchive(
  access: Pick<AwsAccess, "archive" | "region">,
  place: S3Place,
  sealed: boolean,
): Promise<ListedArchive> {
  const url = s3Url(place);
  const bucket = await bucketAt(access, place.bucket, undefined);
  const key = sealed ? manifestSummaryKey(place.prefix) : taskKey(place.prefix);
  const stored = await explaining({ operation: "GetObject", resource: `s3://${place.bucket}/${key}` }, () =>
    access.archive.get(bucket, key),
  );
  const none = { url, writer: "unknown", incremental: false } as const;
  if (stored === undefined) return { ...none, state: "broken", problem: `${key} is gone.` };
  if (!sealed) {
    const plan = readPlan(stored.body);
    if (plan === undefined) return { ...none, state: "broken", problem: `${key} cannot be read.` };
    return { ...none, state: "open", writer: "ferry", tableArn: plan.table.arn, startedTime: plan.started };
  }
  try {
    return { url, state: "sealed", ...summarised(decodeSummary(bucket, key, stored.body)) };
  } catch (error) {
    return { ...none, state: "broken", problem: error instanceof Error ? error.message : String(error) };
  }
}

function summarised(summary: Summary): Omit<ListedArchive, "url" | "state"> {
  const { ferry, tableArn, itemCount, window, startTime } = summary;
  const startedTime = startTime ?? window?.to;
  return {
    writer: ferry === undefined ? "dynamodb" : "ferry",
    incremental: summary.lines === "changes",
    ...(tableArn != null && { tableArn }),
    ...(startedTime != null && { startedTime }),
    items: itemCount,
    ...(ferry !== undefined && { bytes: ferry.bytes, files: ferry.files }),
  };
}
