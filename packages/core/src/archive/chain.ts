/**
 * A segment's chain of data files. A backup's progress is recorded in the archive itself. Invariants A1 to A5:
 * docs/archive-format.md.
 */

import { permanent } from "../errors/errors.ts";
import { type BackupPlan, type Counts, type KeyNames, noCounts } from "../events/events.ts";
import type { ObjectHead, ObjectMetadata, Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import type { DynamoKey } from "../table/dynamo-key.ts";
import type { Block } from "./blocks.ts";
import { bucketOf } from "./bucket.ts";
import { compressionOf } from "./compression.ts";
import { itemKeyOf, lineSpans, readLine } from "./data-file.ts";
import { objectError } from "./errors.ts";
import { dataFileKey, segmentPrefix } from "./keys.ts";
import { readBlocks, readingLine } from "./stored-file.ts";

/** The number of concurrent HEAD requests. */
const HEADS_AT_ONCE = 32;

/** The position of a segment's next file, and the key after which it starts. */
export interface Position {
  readonly batch: number;
  /** The key of the last stored item; absent at the segment's start. */
  readonly after?: DynamoKey;
  readonly counts: Counts;
  /** Whether the last file has the `end` mark, so that no file may follow. */
  readonly ended: boolean;
}

export const start: Position = { batch: 0, counts: noCounts, ended: false };

/** A data file of a chain, as described by its object's metadata. */
export interface ChainFile {
  readonly key: string;
  readonly items: number;
  readonly bytes: number;
  readonly md5: string;
  readonly etag: string;
  readonly end: boolean;
}

/** The metadata of a data file. */
export function metadataOf(file: {
  requestId: string;
  /** The number of segments of the backup. */
  segments: number;
  items: number;
  bytes: number;
  md5: string;
  end: boolean;
}): ObjectMetadata {
  return {
    "request-id": file.requestId,
    segments: String(file.segments),
    items: String(file.items),
    bytes: String(file.bytes),
    md5: file.md5,
    ...(file.end && { end: "true" }),
  };
}

/**
 * Reads and checks the files of a segment from `fromBatch` on: there is no gap, all files belong to this request, and no file
 * follows an `end` mark. Permanent errors: `foreign-file` (A5), `broken-chain` (A2, A3).
 */
export async function readChain(
  plan: BackupPlan,
  segment: number,
  fromBatch: number,
  ports: Pick<Ports, "archive">,
): Promise<ChainFile[]> {
  const bucket = bucketOf(plan.request);
  const prefix = plan.request["bucket-prefix"];
  const dataKeyOf = (batch: number) => dataFileKey(prefix, segment, batch, compressionOf(plan));
  const listed = await ports.archive.list(bucket, segmentPrefix(prefix, segment), {
    ...(fromBatch > 0 && { after: dataKeyOf(fromBatch - 1) }),
  });
  const files: ChainFile[] = [];
  for (let at = 0; at < listed.length; at += HEADS_AT_ONCE) {
    const page = listed.slice(at, at + HEADS_AT_ONCE);
    const heads = await Promise.all(page.map(({ key }) => ports.archive.head(bucket, key)));
    page.forEach(({ key }, i) => {
      if (key !== dataKeyOf(fromBatch + at + i))
        throw brokenChain(bucket, key, "is not the next file of its segment");
      if (files.at(-1)?.end === true) throw brokenChain(bucket, key, "follows the segment's last file");
      files.push(chainFile(plan, bucket, key, heads[i]));
    });
  }
  return files;
}

/** Returns the position after the given files. Reads the last key of the last file. */
export async function adopt(
  position: Position,
  files: readonly ChainFile[],
  plan: BackupPlan,
  ports: Pick<Ports, "archive" | "codec" | "settings">,
): Promise<Position> {
  const last = files.at(-1);
  if (last === undefined) return position;
  const counts = files.reduce((sum, file) => addTo(sum, file), position.counts);
  const after = last.end ? undefined : await lastKey(bucketOf(plan.request), last, plan.table.keys, ports);
  return {
    batch: position.batch + files.length,
    ...(after !== undefined && { after }),
    counts,
    ended: last.end,
  };
}

/** Adds one file to the counts. */
export function addTo(counts: Counts, file: { readonly items: number; readonly bytes: number }): Counts {
  return {
    batches: counts.batches + 1,
    items: counts.items + file.items,
    bytes: counts.bytes + file.bytes,
  };
}

async function lastKey(
  bucket: BucketAddress,
  file: ChainFile,
  names: KeyNames,
  ports: Pick<Ports, "archive" | "codec" | "settings">,
): Promise<DynamoKey> {
  let last: Block | undefined;
  for await (const block of readBlocks(bucket, file, ports)) if (block.lines > 0) last = block;
  if (last === undefined) throw brokenChain(bucket, file.key, "is empty and has no end mark");
  const { bytes, firstLine, lines } = last;
  return readingLine(bucket, file.key, firstLine + lines, () => {
    const line = readLine(bytes, lineSpans(bytes).at(-1)!, "items");
    return itemKeyOf("put" in line ? line.put : line.remove, names);
  });
}

function chainFile(
  plan: BackupPlan,
  bucket: BucketAddress,
  key: string,
  head: ObjectHead | undefined,
): ChainFile {
  if (head === undefined) throw brokenChain(bucket, key, "was listed but does not exist");
  const { metadata } = head;
  requireOwn(plan, bucket, key, metadata);
  return {
    key,
    items: countIn(bucket, key, metadata, "items"),
    bytes: countIn(bucket, key, metadata, "bytes"),
    md5: metadata["md5"] ?? "",
    etag: head.etag,
    end: metadata["end"] === "true",
  };
}

/** Permanent error: `foreign-file` (A5), if the metadata of a data file or an index is not of this plan. */
export function requireOwn(
  plan: BackupPlan,
  bucket: BucketAddress,
  key: string,
  metadata: ObjectMetadata,
): void {
  if (metadata["request-id"] !== plan.task["request-id"])
    throw permanent("foreign-file", {
      operation: "read chain",
      resource: objectResource(bucket, key),
      predicate: `was written by request ${metadata["request-id"] ?? "(none)"}, not by ${plan.task["request-id"]}`,
      hint: "Another program writes under this prefix: back up to a prefix that nothing else uses.",
    });
  // Scans with different numbers of segments divide the table differently: a chain of both would lose or repeat items.
  if (metadata["segments"] !== String(plan["total-segments"]))
    throw permanent("foreign-file", {
      operation: "read chain",
      resource: objectResource(bucket, key),
      predicate: `was written for ${metadata["segments"] ?? "an unknown number of"} segments, not for ${plan["total-segments"]}`,
      hint: "The object task.json was deleted while this backup ran, so the request was planned again: back up to another prefix.",
    });
}

/** A count in an object's metadata. Permanent error: `broken-chain`. */
export function countIn(bucket: BucketAddress, key: string, metadata: ObjectMetadata, name: string): number {
  const value = metadata[name] ?? "";
  if (!/^\d+$/.test(value))
    throw brokenChain(bucket, key, `has an invalid count in its metadata ${name}: "${value}"`);
  return Number(value);
}

/** The error for a chain, or its index, that is not as its workers wrote it. */
export const brokenChain = objectError(
  "broken-chain",
  "read chain",
  "Another program wrote or deleted objects under this prefix: back up again, to a prefix that nothing else uses.",
);
