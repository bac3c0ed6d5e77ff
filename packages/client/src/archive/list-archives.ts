/**
 * Finds the archives under a prefix.
 */

import { decodeFiles, total } from "@ferry/core/archive/file-list";
import { manifestFilesKey, manifestSummaryKey, segmentOfKey, taskKey } from "@ferry/core/archive/keys";
import { locationOf } from "@ferry/core/archive/location";
import { decodeSummary, type Summary } from "@ferry/core/archive/summary";
import { readPlan } from "@ferry/core/archive/task-file";
import { definedFields } from "@ferry/core/defined-fields";
import { messageOf } from "@ferry/core/errors/errors";
import type { BucketAddress } from "@ferry/core/request/addresses";
import type { AwsAccess } from "../access.ts";
import { explaining } from "../client-error.ts";
import { type S3Place, s3Url } from "../s3-url.ts";
import { listPages } from "./list-pages.ts";
import { bucketAt } from "./open-archive.ts";

/** An archive in a list. Times are ISO 8601. */
export interface ListedArchive {
  readonly url: string;
  /**
   * `broken`: its summary cannot be read. `open`: it has no summary yet, or never will. `pruned`: a prune removed a part of it and did
   * not complete.
   */
  readonly state: "sealed" | "open" | "broken" | "pruned";
  readonly writer: "ferry" | "dynamodb" | "unknown";
  /** Whether its lines are changes: an incremental export. */
  readonly incremental: boolean;
  /** The table's ARN. */
  readonly tableArn?: string;
  /** The time range of an export; `from` only of an incremental one. */
  readonly window?: Summary["window"];
  /** When it was begun: no item is older than it was at this time. */
  readonly startedTime?: string;
  readonly items?: number;
  /** Uncompressed bytes; absent for an export of DynamoDB. */
  readonly bytes?: number;
  readonly files?: number;
  /** Where its data files are, if only its manifest is here: the URL of the archive for which the manifest was written. */
  readonly filesAt?: string;
  /** Why it is broken. */
  readonly problem?: string;
}

const SUMMARY_NAME = "manifest-summary.json";
const TASK_NAME = "task.json";
const FILES_NAME = "manifest-files.json";
/** DynamoDB puts it first. */
const STARTED_NAME = "_started";

/** Yields the archives at and below a place, in the order of their keys. It lists folders, not the data files in archives. */
export async function* listArchives(
  access: Pick<AwsAccess, "archive" | "region" | "s3">,
  place: S3Place,
): AsyncGenerator<ListedArchive, void, void> {
  const folder = await listFolder(access, place);
  const has = (name: string) => folder.names.has(name);
  if (has(SUMMARY_NAME) || has(TASK_NAME)) {
    yield await describeArchive(access, place, folder);
    return;
  }
  // Every writer puts another object before this one.
  if (has(FILES_NAME) && !has(STARTED_NAME)) {
    yield await describeRest(access, place);
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
  const input = { Bucket: place.bucket, Prefix, Delimiter: "/" };
  const names = new Set<string>();
  const folders: string[] = [];
  for await (const { Contents = [], CommonPrefixes = [] } of listPages(client, input, s3Url(place))) {
    for (const { Key = "" } of Contents) names.add(Key.slice(Prefix.length));
    for (const { Prefix: folder = "" } of CommonPrefixes) folders.push(folder.slice(0, -1));
  }
  return { names, folders };
}

async function describeArchive(
  access: Pick<AwsAccess, "archive" | "region">,
  place: S3Place,
  { names, folders }: Folder,
): Promise<ListedArchive> {
  const url = s3Url(place);
  const sealed = names.has(SUMMARY_NAME);
  const bucket = await bucketAt(access, place.bucket, undefined);
  const key = sealed ? manifestSummaryKey(place.prefix) : taskKey(place.prefix);
  const stored = await readObject(access, bucket, key);
  const none = { url, writer: "unknown", incremental: false } as const;
  if (stored === undefined) return { ...none, state: "broken", problem: `${key} is gone.` };
  if (!sealed) {
    const plan = readPlan(stored.body);
    if (plan === undefined) return { ...none, state: "broken", problem: `${key} cannot be read.` };
    return { ...none, state: "open", writer: "ferry", tableArn: plan.table.arn, startedTime: plan.started };
  }
  try {
    const decoded = decodeSummary(bucket, key, stored.body);
    const summary = summarised(decoded);
    const { writtenFor } = locationOf(bucket, place.prefix, decoded.manifestFilesS3Key, {
      keys: "as-listed",
      shared: false,
    });
    const isElsewhere = writtenFor !== place.prefix && folders.length === 0;
    const isPruned = summary.writer === "ferry" && !names.has(TASK_NAME) && !isElsewhere;
    return {
      url,
      state: isPruned ? "pruned" : "sealed",
      ...summary,
      ...(isElsewhere && { filesAt: s3Url({ ...place, prefix: writtenFor }) }),
    };
  } catch (error) {
    return { ...none, state: "broken", problem: messageOf(error) };
  }
}

/** Describes what a prune left of an archive, from its list of files. */
async function describeRest(
  access: Pick<AwsAccess, "archive" | "region">,
  place: S3Place,
): Promise<ListedArchive> {
  const bucket = await bucketAt(access, place.bucket, undefined);
  const key = manifestFilesKey(place.prefix);
  const stored = await readObject(access, bucket, key);
  const rest = { url: s3Url(place), state: "pruned", incremental: false } as const;
  try {
    const files = decodeFiles(stored?.body ?? new Uint8Array());
    const isOwn = files.length > 0 && files.every((file) => segmentOfKey(file.dataFileS3Key) !== undefined);
    return { ...rest, writer: isOwn ? "ferry" : "dynamodb", files: files.length, items: total(files) };
  } catch (error) {
    return { ...rest, state: "broken", writer: "unknown", problem: messageOf(error) };
  }
}

function readObject({ archive }: Pick<AwsAccess, "archive">, bucket: BucketAddress, key: string) {
  const call = { operation: "GetObject", resource: `s3://${bucket.name}/${key}` };
  return explaining(call, () => archive.get(bucket, key));
}

function summarised(summary: Summary): Omit<ListedArchive, "url" | "state"> {
  const { ferry, tableArn, itemCount, window, startTime } = summary;
  return definedFields({
    writer: ferry === undefined ? "dynamodb" : "ferry",
    incremental: summary.lines === "changes",
    tableArn: tableArn ?? undefined,
    startedTime: startTime ?? window?.to,
    window: ferry === undefined ? window : undefined,
    items: itemCount,
    bytes: ferry?.bytes,
    files: ferry?.files,
  });
}
