/**
 * manifest-summary.json: the commit marker, in the dialect of DynamoDB's exports. Format: docs/archive-format.md.
 */
import * as v from "valibot";
import type { BackupPlan } from "../events.ts";
import type { BucketAddress } from "../ports.ts";
import { count } from "../schema-parts.ts";
import { isoOf, msOf } from "../time.ts";
import { brokenManifest, readable, unknownFormat } from "./errors.ts";
import { type ManifestFile, total } from "./file-list.ts";
import { FORMAT_VERSION, formatVersionSchema } from "./format.ts";
import { manifestFilesKey } from "./keys.ts";

/** The versions of a full export's summary, and of Ferry's; and of an incremental export's. */
const FULL_VERSION = "2020-06-30";
const INCREMENTAL_VERSION = "2023-08-01";

const ferrySchema = v.object({
  "request-id": v.string(),
  files: count,
  /** Uncompressed bytes of all data files. */
  bytes: count,
  /** Of manifest-files.json, base64. */
  "manifest-files-md5": v.string(),
});

const summarySchema = v.object({
  manifestFilesS3Key: v.string(),
  itemCount: count,
  exportTime: v.nullish(v.string()),
  exportFromTime: v.nullish(v.string()),
  exportToTime: v.nullish(v.string()),
  ferry: v.optional(ferrySchema),
});

/** What says which format the rest is in. It is read first: another format may lack everything else. */
const formatSchema = v.object({
  version: v.string(),
  outputFormat: v.string(),
  exportType: v.optional(v.string()),
  ferry: v.optional(formatVersionSchema),
});

/**
 * A summary that was read. `lines`: what a line of a data file holds, whole items or changes. `window`: the export's time
 * range, ISO 8601 with milliseconds, where it says one; `from` of an incremental export alone.
 */
export type Summary = v.InferOutput<typeof summarySchema> & {
  readonly lines: "items" | "changes";
  readonly window?: { readonly from?: string; readonly to: string };
};

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
    version: FULL_VERSION,
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
      "format-version": FORMAT_VERSION,
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
  return new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`);
}

/** Reads manifest-summary.json. Permanent errors: `unknown-format`, `broken-manifest`. */
export function decodeSummary(bucket: BucketAddress, key: string, bytes: Uint8Array): Summary {
  const broken = (message: string) => brokenManifest(bucket, key, message);
  const json = readable<unknown>(() => JSON.parse(new TextDecoder().decode(bytes)), broken);
  const format = readable(() => v.parse(formatSchema, json), broken);
  const lines = linesOf(bucket, key, format);
  const summary = readable(() => v.parse(summarySchema, json), broken);
  return { ...summary, lines, ...windowOf(summary, lines) };
}

function windowOf(
  summary: v.InferOutput<typeof summarySchema>,
  lines: Summary["lines"],
): Pick<Summary, "window"> {
  const from = lines === "changes" ? timeOf(summary.exportFromTime) : undefined;
  const to = timeOf(lines === "changes" ? summary.exportToTime : summary.exportTime);
  return to === undefined ? {} : { window: { ...(from !== undefined && { from }), to } };
}

/** In one form, so that two times compare as texts. */
function timeOf(iso: string | null | undefined): string | undefined {
  const ms = msOf(iso ?? "");
  return Number.isNaN(ms) ? undefined : isoOf(ms);
}

function linesOf(
  bucket: BucketAddress,
  key: string,
  { version, outputFormat, exportType = "FULL_EXPORT", ferry }: v.InferOutput<typeof formatSchema>,
): "items" | "changes" {
  const unknown = (message: string) => unknownFormat(bucket, key, message);
  if (ferry !== undefined && ferry["format-version"] !== FORMAT_VERSION)
    throw unknown(`has ferry.format-version ${ferry["format-version"]} where ${FORMAT_VERSION} is known`);
  if (outputFormat !== "DYNAMODB_JSON")
    throw unknown(
      outputFormat === "ION"
        ? "is of an export in Amazon Ion (outputFormat ION), which Ferry does not read"
        : `has outputFormat ${outputFormat} where DYNAMODB_JSON is known`,
    );
  if (exportType !== "FULL_EXPORT" && exportType !== "INCREMENTAL_EXPORT")
    throw unknown(`has exportType ${exportType} where FULL_EXPORT and INCREMENTAL_EXPORT are known`);
  const known = exportType === "FULL_EXPORT" ? FULL_VERSION : INCREMENTAL_VERSION;
  if (version !== known)
    throw unknown(`has version ${version} where ${known} is known of exportType ${exportType}`);
  if (ferry !== undefined && exportType !== "FULL_EXPORT")
    throw unknown(`is Ferry's and has exportType ${exportType}, which Ferry does not write`);
  return exportType === "FULL_EXPORT" ? "items" : "changes";
}
