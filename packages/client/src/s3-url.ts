/**
 * `s3://BUCKET/PREFIX`, the place of an archive or of archives.
 */
import { ClientError } from "./client-error.ts";

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its start and end; empty for the whole bucket. */
  readonly prefix: string;
}

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Reads an S3 URL. ClientError `invalid-s3-url`, which says what is wrong with it. */
export function parseS3Url(text: string): S3Place {
  const match = /^s3:\/\/([^/]*)\/*(.*)$/.exec(text);
  if (match === null) throw invalid(text, "it does not start with s3://");
  const [, bucket = "", path = ""] = match;
  if (bucket === "") throw invalid(text, "it names no bucket");
  if (!BUCKET_NAME.test(bucket))
    throw invalid(text, `${bucket} is not a bucket name (3 to 63 of a-z 0-9 . -)`);
  return { bucket, prefix: path.replace(/\/+$/, "") };
}

/** The URL of a place. */
export function s3Url({ bucket, prefix }: S3Place): string {
  return prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
}

/** Checks that a place has a prefix, as an archive has. ClientError `invalid-s3-url`. */
export function assertPrefix(place: S3Place): void {
  if (place.prefix !== "") return;
  const url = s3Url(place);
  throw new ClientError("usage", "invalid-s3-url", {
    message: `${url} names a bucket, not an archive.`,
    hint: `\`ferry archives ${url}\` lists the archives in it.`,
  });
}

function invalid(text: string, reason: string) {
  return new ClientError("usage", "invalid-s3-url", {
    message: `${JSON.stringify(text)} is not an S3 URL: ${reason}.`,
    hint: "Write s3://BUCKET/PREFIX, for instance s3://archives/orders/2026-11-23.",
  });
}
