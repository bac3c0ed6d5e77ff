/**
 * An archive of Ferry, or an export of DynamoDB, opened for reading with the engine's own code.
 */
import type { ManifestFile } from "@ferry/core/archive/file-list";
import { segmentOfKey } from "@ferry/core/archive/keys";
import type { ManifestKeys } from "@ferry/core/archive/location";
import { type Manifest, readManifest } from "@ferry/core/archive/manifest";
import type { RecordedFile } from "@ferry/core/archive/stored-file";
import { definedFields } from "@ferry/core/defined-fields";
import type { BucketAddress } from "@ferry/core/request/addresses";
import { defaultSettings } from "@ferry/core/settings/settings";
import type { AwsAccess } from "../access.ts";
import { explaining } from "../client-error.ts";
import { assertPrefix, type S3Place, s3Url } from "../s3-url.ts";
import { readingCodec } from "./reading-codec.ts";

/** How to read an archive. */
export interface ArchiveOptions {
  /** As in a request: `rebase` for an archive that was moved. */
  readonly manifestKeys?: ManifestKeys;
  /** The account that must own the bucket. */
  readonly bucketOwner?: string;
}

export interface OpenArchive {
  readonly url: string;
  readonly place: S3Place;
  readonly bucket: BucketAddress;
  readonly manifest: Manifest;
  /** All data files, in the order of the manifest. */
  readonly files: readonly ManifestFile[];
  /** What the engine's functions need to read data files. */
  readonly ports: {
    readonly archive: AwsAccess["archive"];
    readonly codec: typeof readingCodec;
    readonly settings: typeof defaultSettings;
  };
}

/**
 * Reads and checks an archive's manifest. ClientErrors: `no-manifest` (no archive, or one that is not sealed), and the
 * other errors of docs/archive-format.md.
 */
export async function openArchive(
  access: Pick<AwsAccess, "archive" | "region">,
  place: S3Place,
  { manifestKeys = "own", bucketOwner }: ArchiveOptions = {},
): Promise<OpenArchive> {
  const url = s3Url(place);
  assertPrefix(place);
  // S3 redirects to the bucket's region.
  const bucket = await bucketAt(access, place.bucket, bucketOwner);
  const ports = { archive: access.archive, codec: readingCodec, settings: defaultSettings };
  const files: ManifestFile[] = [];
  const manifest = await explaining({ operation: "read manifest", resource: url }, () =>
    readManifest(bucket, place.prefix, manifestKeys, ports, (listed) => {
      for (const file of listed) files.push(file);
    }),
  );
  return { url, place, bucket, manifest, files, ports };
}

/** The address of a bucket. Its region is the default one: S3 redirects to the bucket's own. */
export async function bucketAt(
  access: Pick<AwsAccess, "region">,
  name: string,
  owner: string | undefined,
): Promise<BucketAddress> {
  return definedFields({ region: await access.region(), name, owner });
}

/** A data file as the engine's functions take it. */
export function recorded(file: ManifestFile): RecordedFile {
  return { key: file.dataFileS3Key, items: file.itemCount, md5: file.md5Checksum };
}

/** The segment of a data file; undefined in an export of DynamoDB, which has none. */
export function segmentOfFile({ manifest }: OpenArchive, file: ManifestFile): number | undefined {
  return manifest.own ? segmentOfKey(file.dataFileS3Key) : undefined;
}

/** Runs `run` for each value, at most `limit` at once. Stops at the first error. */
export async function inParallel<T>(
  values: Iterable<T>,
  limit: number,
  run: (value: T) => Promise<void>,
): Promise<void> {
  const iterator = values[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !failed; next = iterator.next())
      await run(next.value).catch((error: unknown) => {
        failed = true;
        throw error;
      });
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
