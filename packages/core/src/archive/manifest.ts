/**
 * The manifest: which files are the backup, in the dialect of DynamoDB's own exports, so that their readers read
 * ours and ours reads theirs. Format: docs/archive-format.md.
 */
import * as v from "valibot";
import { permanent } from "../errors.ts";
import type { BackupPlan } from "../events.ts";
import type { ArchiveStore, BucketAddress } from "../ports.ts";
import { manifestFilesKey, manifestSummaryKey } from "./keys.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

const fileSchema = v.object({
  itemCount: count,
  /** Of the compressed bytes, base64. */
  md5Checksum: v.pipe(v.string(), v.minLength(24), v.maxLength(24)),
  etag: v.string(),
  /** From the bucket's root. */
  dataFileS3Key: v.pipe(v.string(), v.minLength(1)),
});

/** A data file, as the manifest lists it. */
export type ManifestFile = v.InferOutput<typeof fileSchema>;

const summarySchema = v.object({
  version: v.string(),
  manifestFilesS3Key: v.string(),
  itemCount: count,
  outputFormat: v.literal("DYNAMODB_JSON"),
  exportType: v.optional(v.string()),
  ferry: v.optional(
    v.object({
      "request-id": v.string(),
      files: count,
      /** Uncompressed bytes of all data files. */
      bytes: count,
      /** Of manifest-files.json, base64. */
      "manifest-files-md5": v.string(),
    }),
  ),
});

export interface Manifest {
  readonly filesKey: string;
  readonly items: number;
  readonly files: readonly ManifestFile[];
  /** What a line holds: whole items, or changes (DynamoDB's incremental exports). */
  readonly lines: "items" | "changes";
}

/** The bytes of manifest-files.json: one line per data file. */
export function encodeFiles(files: readonly ManifestFile[]): Uint8Array {
  return encoder.encode(files.map((file) => `${JSON.stringify(file)}\n`).join(""));
}

/** Reads manifest-files.json. Throws where a line is none. */
export function decodeFiles(bytes: Uint8Array): ManifestFile[] {
  return decoder
    .decode(bytes)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => v.parse(fileSchema, JSON.parse(line)));
}

/** The bytes of manifest-summary.json: the commit marker. */
export function encodeSummary(about: {
  plan: BackupPlan;
  files: readonly ManifestFile[];
  filesMd5: string;
  /** Uncompressed bytes of all data files. */
  bytes: number;
  /** ISO 8601. */
  ended: string;
}): Uint8Array {
  const { plan } = about;
  const request = plan.request;
  const summary = {
    version: "2020-06-30",
    exportArn: null,
    startTime: plan.started,
    endTime: about.ended,
    tableArn: plan.table.arn,
    tableId: plan.table.id ?? null,
    exportTime: plan.started,
    s3Bucket: request["bucket-name"],
    s3Prefix: request["bucket-prefix"],
    s3SseAlgorithm: request["kms-key-id"] === undefined ? "AES256" : "KMS",
    s3SseKmsKeyId: request["kms-key-id"] ?? null,
    manifestFilesS3Key: manifestFilesKey(request["bucket-prefix"]),
    billedSizeBytes: about.bytes,
    itemCount: total(about.files),
    outputFormat: "DYNAMODB_JSON",
    ferry: {
      "format-version": 1,
      task: plan.task.id,
      "request-id": plan.task["request-id"],
      consistency:
        "a scan between startTime and endTime, not a snapshot: items written meanwhile are there as they were when their page was read",
      segments: plan["total-segments"],
      files: about.files.length,
      bytes: about.bytes,
      "manifest-files-md5": about.filesMd5,
    },
  };
  return encoder.encode(`${JSON.stringify(summary, null, 2)}\n`);
}

/** The items of all files. */
export function total(files: readonly ManifestFile[]): number {
  return files.reduce((sum, file) => sum + file.itemCount, 0);
}

/**
 * Reads an archive's manifest, ours or a native export's, and checks it against itself.
 * Permanent errors: `no-manifest` (not a backup, or not a finished one), `broken-manifest`.
 */
export async function readManifest(
  archive: ArchiveStore,
  md5: (bytes: Uint8Array) => string,
  bucket: BucketAddress,
  prefix: string,
): Promise<Manifest> {
  const key = manifestSummaryKey(prefix);
  const stored = await archive.get(bucket, key);
  if (stored === undefined)
    throw permanent("no-manifest", {
      operation: "read manifest",
      resource: `s3://${bucket.name}/${key}`,
      message: "does not exist, so this prefix holds no backup, or one that did not finish.",
      hint: "Check bucket-name, bucket-prefix and bucket-region, and that the backup succeeded.",
    });
  const summary = checked(bucket, key, () => v.parse(summarySchema, JSON.parse(decoder.decode(stored.body))));
  const filesKey = summary.manifestFilesS3Key;
  const listed = await archive.get(bucket, filesKey);
  if (listed === undefined) throw broken(bucket, filesKey, "does not exist, though the summary names it");
  const files = checked(bucket, filesKey, () => decodeFiles(listed.body));
  if (summary.ferry !== undefined && summary.ferry["manifest-files-md5"] !== md5(listed.body))
    throw broken(bucket, filesKey, "is not the file that the summary was written for: its MD5 differs");
  if (total(files) !== summary.itemCount)
    throw broken(bucket, filesKey, `lists ${total(files)} items where the summary says ${summary.itemCount}`);
  return {
    filesKey,
    items: summary.itemCount,
    files,
    lines: summary.exportType === "INCREMENTAL_EXPORT" ? "changes" : "items",
  };
}

function checked<T>(bucket: BucketAddress, key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw broken(bucket, key, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function broken(bucket: BucketAddress, key: string, message: string) {
  return permanent("broken-manifest", {
    operation: "read manifest",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}.`,
    hint: "The archive was damaged after it was written, or is in another format: restore from another backup.",
  });
}
