/**
 * The object keys of an archive. Format: docs/archive-format.md.
 */
import { type Compression, compressions } from "./compression.ts";

export const taskKey = (prefix: string) => `${prefix}/task.json`;
export const tableKey = (prefix: string) => `${prefix}/table.json`;
export const manifestFilesKey = (prefix: string) => `${prefix}/manifest-files.json`;
export const manifestSummaryKey = (prefix: string) => `${prefix}/manifest-summary.json`;

/** The object with a manifest object's MD5, as DynamoDB's exports have it. `key` ends with `.json`. */
export const checksumKey = (key: string) => key.replace(/\.json$/, ".md5");

/** The common prefix of the manifest's four objects. */
export const manifestPrefix = (prefix: string) => `${prefix}/manifest-`;

/** The common prefix of the indexes of all chains. It must not begin with `dataPrefix`, under which ImportTable reads. */
export const indexPrefix = (prefix: string) => `${prefix}/index/`;

/** The index of one segment's chain. */
export const indexKey = (prefix: string, segment: number) => `${indexPrefix(prefix)}${hex(segment, 4)}.json`;

/** The common prefix of all data files' keys, for ImportTable. */
export const dataPrefix = (prefix: string) => `${prefix}/0x`;

/** The common prefix of the data files of one segment's chain. */
export const segmentPrefix = (prefix: string, segment: number) => `${prefix}/0x${hex(segment, 4)}/`;

/** The key of one data file. */
export function dataFileKey(
  prefix: string,
  segment: number,
  batch: number,
  compression: Compression,
): string {
  return `${segmentPrefix(prefix, segment)}0x${hex(batch, 8)}.json.${compressions[compression].extension}`;
}

/** The segment of a data file's key; undefined for other keys, as those of native exports. */
export function segmentOfKey(key: string): number | undefined {
  const [, segment] = /\/0x([0-9a-f]{4})\/0x[0-9a-f]{8}\.json\.(?:gz|zst)$/.exec(key) ?? [];
  return segment === undefined ? undefined : Number.parseInt(segment, 16);
}

/** Hexadecimal with leading zeros, so that a listing is in order. */
function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}
