/**
 * manifest-summary.json: marks an archive as complete, in the format of DynamoDB's exports. Format: docs/archive-format.md.
 */
import * as v from "valibot";
import type { BackupPlan } from "../events/events.ts";
import { count } from "../events/schema-parts.ts";
import type { BucketAddress } from "../request/addresses.ts";
import { isoOf, msOf } from "../time.ts";
import { compressionNames, compressionOf } from "./compression.ts";
import { brokenManifest, readable, unknownFormat } from "./errors.ts";
import { FORMAT_VERSION, formatVersionSchema } from "./format.ts";
import { manifestFilesKey } from "./keys.ts";

/** The summary versions: of full exports and Ferry's archives, and of incremental exports. */
const FULL_VERSION = "2020-06-30";
const INCREMENTAL_VERSION = "2023-08-01";

const ferrySchema = v.object({
  "request-id": v.string(),
  /** Absent in archives of versions that had gzip only. Readers recognise each file by its content. */
  compression: v.optional(v.picklist(compressionNames)),
  files: count,
  /** Uncompressed bytes of all data files. */
  bytes: count,
  /** MD5 of manifest-files.json, base64. */
  "manifest-files-md5": v.string(),
});

const summarySchema = v.object({
  manifestFilesS3Key: v.string(),
  itemCount: count,
  tableArn: v.nullish(v.string()),
  tableId: v.nullish(v.string()),
  startTime: v.nullish(v.string()),
  endTime: v.nullish(v.string()),
  exportTime: v.nullish(v.string()),
  exportFromTime: v.nullish(v.string()),
  exportToTime: v.nullish(v.string()),
  ferry: v.optional(ferrySchema),
});

/** The fields that identify the format. They are checked first: another format may have other fields. */
const formatSchema = v.object({
  version: v.string(),
  outputFormat: v.string(),
  exportType: v.optional(v.string()),
  ferry: v.optional(formatVersionSchema),
});

/**
 * A decoded summary. `lines`: the content of a data file's lines, whole items or changes. `window`: the export's time range,
 * ISO 8601 with milliseconds, if it is known; `from` only for incremental exports.
 */
export type Summary = v.InferOutput<typeof summarySchema> & {
  readonly lines: "items" | "changes";
  readonly window?: { readonly from?: string; readonly to: string };
  /** The table, as far as the summary names it. */
  readonly table: { readonly arn?: string; readonly id?: string };
};

/** Encodes manifest-summary.json. */
export function encodeSummary(archive: {
  plan: BackupPlan;
  /** The number of data files. */
  files: number;
  items: number;
  /** MD5 of manifest-files.json, base64. */
  filesMd5: string;
  /** Uncompressed bytes of all data files. */
  bytes: number;
  /** ISO 8601. */
  ended: string;
}): Uint8Array {
  const { plan } = archive;
  const request = plan.request;
  const summary = {
    version: FULL_VERSION,
    // Readers of exports expect a string. No export of DynamoDB has it.
    exportArn: `${plan.table.arn}/export/ferry-${plan.task.timestamp}`,
    startTime: plan.started,
    endTime: isoOf(msOf(archive.ended)),
    tableArn: plan.table.arn,
    tableId: plan.table.id ?? null,
    exportTime: plan.started,
    s3Bucket: request["bucket-name"],
    s3Prefix: request["bucket-prefix"],
    s3SseAlgorithm: request["kms-key-id"] === undefined ? "AES256" : "KMS",
    s3SseKmsKeyId: request["kms-key-id"] ?? null,
    manifestFilesS3Key: manifestFilesKey(request["bucket-prefix"]),
    billedSizeBytes: archive.bytes,
    itemCount: archive.items,
    outputFormat: "DYNAMODB_JSON",
    exportType: "FULL_EXPORT",
    ferry: {
      "format-version": FORMAT_VERSION,
      task: plan.task.id,
      "request-id": plan.task["request-id"],
      consistency:
        "a scan between startTime and endTime, not a snapshot: items written meanwhile are there as they were when their page was read",
      segments: plan["total-segments"],
      compression: compressionOf(plan),
      files: archive.files,
      bytes: archive.bytes,
      "manifest-files-md5": archive.filesMd5,
    },
  };
  return new TextEncoder().encode(`${JSON.stringify(summary, null, 2)}\n`);
}

/** Decodes manifest-summary.json. Permanent errors: `unknown-format`, `broken-manifest`. */
export function decodeSummary(bucket: BucketAddress, key: string, bytes: Uint8Array): Summary {
  const broken = (message: string) => brokenManifest(bucket, key, message);
  const json = readable<unknown>(() => JSON.parse(new TextDecoder().decode(bytes)), broken);
  const format = readable(() => v.parse(formatSchema, json), broken);
  const lines = linesOf(bucket, key, format);
  const summary = readable(() => v.parse(summarySchema, json), broken);
  return { ...summary, lines, table: tableOf(summary), ...windowOf(summary, lines) };
}

function tableOf({ tableArn, tableId }: v.InferOutput<typeof summarySchema>): Summary["table"] {
  return { ...(tableArn != null && { arn: tableArn }), ...(tableId != null && { id: tableId }) };
}

function windowOf(
  summary: v.InferOutput<typeof summarySchema>,
  lines: Summary["lines"],
): Pick<Summary, "window"> {
  const from = lines === "changes" ? timeOf(summary.exportFromTime) : undefined;
  const to = timeOf(lines === "changes" ? summary.exportToTime : summary.exportTime);
  return to === undefined ? {} : { window: { ...(from !== undefined && { from }), to } };
}

/** A time in one format, so that two times can be compared as strings. */
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
    throw unknown(
      `has ferry.format-version ${ferry["format-version"]}; this version of Ferry supports ${FORMAT_VERSION}`,
    );
  if (outputFormat !== "DYNAMODB_JSON")
    throw unknown(
      outputFormat === "ION"
        ? "is of an export in Amazon Ion (outputFormat ION), which Ferry does not support"
        : `has outputFormat ${outputFormat}; Ferry supports DYNAMODB_JSON`,
    );
  if (exportType !== "FULL_EXPORT" && exportType !== "INCREMENTAL_EXPORT")
    throw unknown(`has exportType ${exportType}; Ferry supports FULL_EXPORT and INCREMENTAL_EXPORT`);
  const known = exportType === "FULL_EXPORT" ? FULL_VERSION : INCREMENTAL_VERSION;
  if (version !== known)
    throw unknown(
      `has version ${version}; this version of Ferry supports ${known} for exportType ${exportType}`,
    );
  if (ferry !== undefined && exportType !== "FULL_EXPORT")
    throw unknown(`is Ferry's and has exportType ${exportType}, which Ferry does not write`);
  return exportType === "FULL_EXPORT" ? "items" : "changes";
}
