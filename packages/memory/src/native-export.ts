/**
 * Writes DynamoDB's native exports, full and incremental, in their documented format. It shares no code with the engine
 * that reads them. Source: AWS, "DynamoDB table export output format"; the checksum objects are as in real exports:
 * `manifest-*.md5`, base64 without a line feed.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { BucketAddress } from "@ferry/core/request/addresses";
import type { MemoryArchiveStore } from "./archive-store.ts";
import { md5 } from "./ports.ts";

/** An object of an export, with its full key. */
export interface ExportObject {
  readonly key: string;
  readonly body: Uint8Array;
}

/** The objects of an export. */
export interface NativeExport {
  /** The folder of the manifest: a restore's `bucket-prefix`. */
  readonly prefix: string;
  /** In the order in which DynamoDB writes them: the summary is last, except for its checksum. */
  readonly objects: readonly ExportObject[];
}

export interface ExportSpec {
  readonly bucket: string;
  /** The export's id: the name of its folder under `AWSDynamoDB/`. */
  readonly id: string;
  /** The prefix of the export request; none by default. */
  readonly under?: string;
  /** Each data file's lines, without line feeds. */
  readonly files: readonly (readonly string[])[];
  /** Makes a data file of its lines. Default: gzip, as DynamoDB does. */
  readonly pack?: (text: string) => Uint8Array;
  /** Members of manifest-summary.json that differ from DynamoDB's. */
  readonly summary?: Readonly<Record<string, unknown>>;
}

/** A full export. `files` have lines of `itemLine`. */
export function fullExport(spec: ExportSpec): NativeExport {
  return written(spec, "full", {
    version: "2020-06-30",
    exportTime: "2026-10-31T23:00:00.000Z",
    exportType: "FULL_EXPORT",
  });
}

/** An incremental export of a window, ISO 8601. `files` have lines of `changeLine`. */
export function incrementalExport(
  spec: ExportSpec & { readonly from?: string; readonly to?: string },
): NativeExport {
  return written(spec, "incremental", {
    version: "2023-08-01",
    exportFromTime: spec.from ?? "2026-10-31T22:00:00.000Z",
    exportToTime: spec.to ?? "2026-10-31T23:00:00.000Z",
    exportType: "INCREMENTAL_EXPORT",
    outputView: "NEW_AND_OLD_IMAGES",
  });
}

/** A line of a full export, from the item's JSON text. */
export function itemLine(item: string): string {
  return `{"Item":${item}}`;
}

/** A line of an incremental export, from JSON texts. Without `newImage` the item was deleted. */
export function changeLine(change: { keys: string; newImage?: string; oldImage?: string }): string {
  const images = [
    ...(change.oldImage === undefined ? [] : [`"OldImage":${change.oldImage}`]),
    ...(change.newImage === undefined ? [] : [`"NewImage":${change.newImage}`]),
  ];
  const metadata = '"Metadata":{"WriteTimestampMicros":{"N":"1793487600000000"}}';
  return `{${[metadata, `"Keys":${change.keys}`, ...images].join(",")}}`;
}

/** Puts or overwrites an export's objects in a bucket. Returns the export's prefix. */
export function storeExport(
  archive: Pick<MemoryArchiveStore, "store">,
  bucket: BucketAddress,
  native: NativeExport,
): string {
  for (const { key, body } of native.objects) archive.store(bucket, key, body);
  return native.prefix;
}

function written(spec: ExportSpec, kind: "full" | "incremental", fields: object): NativeExport {
  const root = `${spec.under === undefined ? "" : `${spec.under}/`}AWSDynamoDB`;
  const prefix = `${root}/${spec.id}`;
  // All incremental exports share one folder of data files, next to the folders of their manifests.
  const data = kind === "full" ? `${prefix}/data` : `${root}/data`;
  const pack = spec.pack ?? gzipped;
  const files = spec.files.map((lines, i) => {
    const name = createHash("sha256").update(`${spec.id} ${i}`).digest("hex").slice(0, 26);
    return {
      key: `${data}/${name}.json.gz`,
      items: lines.length,
      body: pack(lines.map((line) => `${line}\n`).join("")),
    };
  });
  const list = fileList(files);
  const summary = text(
    JSON.stringify({
      exportArn: `arn:aws:dynamodb:us-east-1:000000000000:table/exported/export/${spec.id}`,
      startTime: "2026-11-01T00:00:00.000Z",
      endTime: "2026-11-01T00:05:00.000Z",
      tableArn: "arn:aws:dynamodb:us-east-1:000000000000:table/exported",
      tableId: "b116b490-6460-4d4a-9a6b-5d360abf4fb3",
      s3Bucket: spec.bucket,
      s3Prefix: spec.under ?? null,
      s3SseAlgorithm: "AES256",
      s3SseKmsKeyId: null,
      manifestFilesS3Key: `${prefix}/manifest-files.json`,
      billedSizeBytes: 0,
      itemCount: files.reduce((sum, { items }) => sum + items, 0),
      outputFormat: "DYNAMODB_JSON",
      ...fields,
      ...spec.summary,
    }),
  );
  return {
    prefix,
    objects: [
      { key: `${prefix}/_started`, body: text("") },
      ...files.map(({ key, body }) => ({ key, body })),
      { key: `${prefix}/manifest-files.json`, body: list },
      { key: `${prefix}/manifest-files.md5`, body: text(md5(list)) },
      { key: `${prefix}/manifest-summary.json`, body: summary },
      { key: `${prefix}/manifest-summary.md5`, body: text(md5(summary)) },
    ],
  };
}

/** A data file and the number of its lines. */
export interface DataFileObject extends ExportObject {
  readonly items: number;
}

/** The body of `manifest-files.json`: a line for each data file. */
export function fileList(files: readonly DataFileObject[]): Uint8Array {
  const lines = files.map(({ key, items, body }) => {
    const etag = `${Buffer.from(md5(body), "base64").toString("hex")}-1`;
    return `${JSON.stringify({ itemCount: items, md5Checksum: md5(body), etag, dataFileS3Key: key })}\n`;
  });
  return text(lines.join(""));
}

function gzipped(lines: string): Uint8Array {
  return new Uint8Array(gzipSync(lines));
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
