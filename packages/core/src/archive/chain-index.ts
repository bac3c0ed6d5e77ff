/**
 * The index of a chain: the lines of manifest-files.json for one segment. The worker that completes the segment puts it, so the last
 * step of a backup reads one object for each segment instead of one for each data file. Format: docs/archive-format.md.
 */
import type { BackupPlan } from "../events/events.ts";
import type { ObjectHead, Ports } from "../ports.ts";
import { bucketOf, kmsOf } from "./bucket.ts";
import { brokenChain, type ChainFile, countIn, readChain, requireOwn } from "./chain.ts";
import { compressionOf } from "./compression.ts";
import { readable } from "./errors.ts";
import { decodeLines, encodeFiles, type ManifestFile } from "./file-list.ts";
import { dataFileKey, indexKey } from "./keys.ts";

/** An index that was read and checked. */
export interface ChainIndex {
  readonly key: string;
  readonly head: ObjectHead;
  /** Its lines: whole lines of manifest-files.json. */
  readonly body: Uint8Array;
  /** The chain's data files, in order. */
  readonly files: readonly ManifestFile[];
  /** Uncompressed bytes of all data files. */
  readonly bytes: number;
}

/**
 * Reads the whole chain of a segment, checks it, and puts its index. If the index exists, checks that it is the same. The chain of an
 * ended segment does not change, so every worker puts the same bytes. Returns false, and puts nothing, if the chain has no end.
 * Permanent errors: `broken-chain`, `foreign-file`.
 */
export async function putIndex(
  plan: BackupPlan,
  segment: number,
  ports: Pick<Ports, "archive" | "codec">,
): Promise<boolean> {
  const bucket = bucketOf(plan.request);
  const key = indexKey(plan.request["bucket-prefix"], segment);
  const files = await readChain(plan, segment, 0, ports);
  if (files.at(-1)?.end !== true) return false;
  const body = encodeFiles(files.map(toManifest));
  const metadata = {
    "request-id": plan.task["request-id"],
    segments: String(plan["total-segments"]),
    bytes: String(files.reduce((sum, file) => sum + file.bytes, 0)),
    md5: ports.codec.md5(body),
  };
  const options = { metadata, contentType: "application/json", ...kmsOf(plan.request) };
  if ((await ports.archive.putNew(bucket, key, body, options)) === "stored") return true;
  const stored = await ports.archive.head(bucket, key);
  if (stored === undefined) throw new Error(`${key} exists and cannot be read`);
  requireOwn(plan, bucket, key, stored.metadata);
  if (stored.metadata["md5"] !== metadata.md5)
    throw brokenChain(bucket, key, `lists other files than segment ${segment} has`);
  return true;
}

/** Whether the segment has an index of this plan. Permanent error: `foreign-file`, if it is of another one. */
export async function hasIndex(
  plan: BackupPlan,
  segment: number,
  ports: Pick<Ports, "archive">,
): Promise<boolean> {
  const bucket = bucketOf(plan.request);
  const key = indexKey(plan.request["bucket-prefix"], segment);
  const stored = await ports.archive.head(bucket, key);
  if (stored === undefined) return false;
  requireOwn(plan, bucket, key, stored.metadata);
  return true;
}

/**
 * Reads the index of a segment, or returns undefined if it has none. It is of this plan, has the MD5 of its metadata, and lists the
 * first file of the segment and those after it without a gap. Permanent errors: `broken-chain`, `foreign-file`.
 */
export async function readIndex(
  plan: BackupPlan,
  segment: number,
  { archive, codec }: Pick<Ports, "archive" | "codec">,
): Promise<ChainIndex | undefined> {
  const bucket = bucketOf(plan.request);
  const prefix = plan.request["bucket-prefix"];
  const key = indexKey(prefix, segment);
  const stored = await archive.get(bucket, key);
  if (stored === undefined) return undefined;
  const { body, head } = stored;
  requireOwn(plan, bucket, key, head.metadata);
  const md5 = codec.md5(body);
  if (head.metadata["md5"] !== md5)
    throw brokenChain(bucket, key, `has MD5 ${md5}, but its metadata records ${head.metadata["md5"]}`);
  const files = readable(
    () => decodeLines(body),
    (message) => brokenChain(bucket, key, message),
  );
  const isChain = files.every(
    (file, batch) => file.dataFileS3Key === dataFileKey(prefix, segment, batch, compressionOf(plan)),
  );
  if (files.length === 0 || !isChain)
    throw brokenChain(bucket, key, `does not list the files of segment ${segment}`);
  return { key, head, body, files, bytes: countIn(bucket, key, head.metadata, "bytes") };
}

/** An ETag as manifests have it: its quotes belong to the HTTP header. */
export function unquoted(etag: string): string {
  return etag.replaceAll('"', "");
}

function toManifest(file: ChainFile): ManifestFile {
  return {
    itemCount: file.items,
    md5Checksum: file.md5,
    etag: unquoted(file.etag),
    dataFileS3Key: file.key,
  };
}
