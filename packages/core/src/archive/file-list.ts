/**
 * manifest-files.json: the list of an archive's data files, one a line. Format: docs/archive-format.md.
 */
import * as v from "valibot";
import { count } from "../events/schema-parts.ts";

const fileSchema = v.object({
  itemCount: count,
  /** MD5 of the compressed bytes, base64. */
  md5Checksum: v.pipe(v.string(), v.minLength(24), v.maxLength(24)),
  etag: v.string(),
  /** The key from the bucket's root. */
  dataFileS3Key: v.pipe(v.string(), v.minLength(1)),
});

/** A data file's entry in the manifest. */
export type ManifestFile = v.InferOutput<typeof fileSchema>;

/** Encodes manifest-files.json: one line per data file. */
export function encodeFiles(files: readonly ManifestFile[]): Uint8Array {
  return new TextEncoder().encode(files.map((file) => `${JSON.stringify(file)}\n`).join(""));
}

/** Decodes whole lines of manifest-files.json. Throws if a line is not valid. */
export function decodeLines(bytes: Uint8Array): ManifestFile[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => v.parse(fileSchema, JSON.parse(line)));
}

/** Decodes a whole manifest-files.json. Throws if a line is not valid, or if a file is listed twice. */
export function decodeFiles(bytes: Uint8Array): ManifestFile[] {
  const files = decodeLines(bytes);
  const listed = new Set<string>();
  for (const { dataFileS3Key: key } of files) {
    if (listed.has(key)) throw new SyntaxError(`the data file ${key} is listed twice`);
    listed.add(key);
  }
  return files;
}

/** The number of items in all files. */
export function total(files: readonly ManifestFile[]): number {
  return files.reduce((sum, file) => sum + file.itemCount, 0);
}
