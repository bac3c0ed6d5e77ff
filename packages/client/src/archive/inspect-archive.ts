/**
 * Describes one sealed archive: its segments, files, sizes and the settings of its table.
 */
import type { TableDescription, Tag, TimeToLiveDescription } from "@aws-sdk/client-dynamodb";
import { manifestSummaryKey, tableKey } from "@ferry/core/archive/keys";
import { homeOf } from "@ferry/core/archive/location";
import { decodeSummary, type Summary } from "@ferry/core/archive/summary";
import { decodeTableFile, type KeySchema } from "@ferry/core/archive/table-settings";
import { definedFields } from "@ferry/core/defined-fields";
import type { AwsAccess } from "../access.ts";
import { explaining } from "../client-error.ts";
import type { S3Place } from "../s3-url.ts";
import { listPages } from "./list-pages.ts";
import { type ArchiveOptions, type OpenArchive, openArchive, segmentOfFile } from "./open-archive.ts";

/** A sealed archive. Times are ISO 8601. */
export interface InspectedArchive {
  readonly url: string;
  readonly writer: "ferry" | "dynamodb";
  readonly incremental: boolean;
  readonly tableArn?: string;
  /** The time range of an export's items or changes; `from` only of an incremental one. */
  readonly window?: Summary["window"];
  /** The scan was between these times, or the export was made. */
  readonly startedTime?: string;
  readonly endedTime?: string;
  readonly items: number;
  readonly files: number;
  /** Uncompressed bytes; absent for an export of DynamoDB. */
  readonly bytes?: number;
  /** The sizes of the stored data files. */
  readonly storedBytes: number;
  /** Empty for an export of DynamoDB. */
  readonly segments: readonly { readonly segment: number; readonly files: number; readonly items: number }[];
  /** The keys of its items; absent if it has no table.json. */
  readonly keys?: KeySchema;
  /** The content of table.json: the table's settings with the field names of the DynamoDB API. */
  readonly settings?: {
    readonly Table?: Pick<
      TableDescription,
      | "BillingModeSummary"
      | "ProvisionedThroughput"
      | "GlobalSecondaryIndexes"
      | "LocalSecondaryIndexes"
      | "StreamSpecification"
    >;
    readonly TimeToLiveDescription?: TimeToLiveDescription;
    readonly Tags?: readonly Tag[];
  };
}

/** Describes an archive. ClientErrors: those of `openArchive`. */
export async function inspectArchive(
  access: Pick<AwsAccess, "archive" | "region" | "s3">,
  place: S3Place,
  options: ArchiveOptions = {},
): Promise<InspectedArchive> {
  const archive = await openArchive(access, place, options);
  const { manifest, bucket } = archive;
  const home = homeOf(manifest.location);
  const [summary, table, storedBytes] = await explaining({ operation: "read", resource: archive.url }, () =>
    Promise.all([
      access.archive.get(bucket, manifestSummaryKey(place.prefix)),
      access.archive.get(bucket, tableKey(home)),
      sizeOfFiles(access, archive),
    ]),
  );
  // Checked before it is printed with all of its fields.
  if (table !== undefined)
    await explaining({ operation: "read", resource: archive.url }, async () => {
      decodeTableFile(bucket, tableKey(home), table.body);
    });
  const decoded = decodeSummary(bucket, manifestSummaryKey(place.prefix), summary!.body);
  const settings =
    table && (JSON.parse(new TextDecoder().decode(table.body)) as InspectedArchive["settings"]);
  return definedFields({
    url: archive.url,
    writer: manifest.own ? "ferry" : "dynamodb",
    incremental: manifest.lines === "changes",
    tableArn: decoded.tableArn ?? undefined,
    window: manifest.own ? undefined : decoded.window,
    startedTime: decoded.startTime ?? undefined,
    endedTime: decoded.endTime ?? undefined,
    items: manifest.items,
    files: manifest.files,
    bytes: manifest.bytes,
    storedBytes,
    segments: segmentsOf(archive),
    keys: manifest.keys,
    settings,
  });
}

function segmentsOf(archive: OpenArchive): InspectedArchive["segments"] {
  const segments = new Map<number, { segment: number; files: number; items: number }>();
  for (const file of archive.files) {
    const segment = segmentOfFile(archive, file);
    if (segment === undefined) continue;
    const { files, items } = segments.get(segment) ?? { files: 0, items: 0 };
    segments.set(segment, { segment, files: files + 1, items: items + file.itemCount });
  }
  return [...segments.values()].sort((a, b) => a.segment - b.segment);
}

/** The total size of the listed data files, from listings of their folders: one call for a thousand files. */
async function sizeOfFiles(access: Pick<AwsAccess, "s3">, { bucket, files }: OpenArchive): Promise<number> {
  const keys = new Set(files.map((file) => file.dataFileS3Key));
  const folders = new Set([...keys].map((key) => key.slice(0, key.lastIndexOf("/") + 1)));
  let bytes = 0;
  for (const Prefix of folders)
    for await (const { Contents = [] } of listPages(access.s3(bucket.region), {
      Bucket: bucket.name,
      Prefix,
    }))
      for (const { Key = "", Size = 0 } of Contents) if (keys.has(Key)) bytes += Size;
  return bytes;
}
