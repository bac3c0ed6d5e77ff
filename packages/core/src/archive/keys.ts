/**
 * Where things lie under an archive's prefix. Format: docs/archive-format.md.
 */

export const taskKey = (prefix: string) => `${prefix}/task.json`;
export const tableKey = (prefix: string) => `${prefix}/table.json`;
export const manifestFilesKey = (prefix: string) => `${prefix}/manifest-files.json`;
export const manifestSummaryKey = (prefix: string) => `${prefix}/manifest-summary.json`;

/** What every data file's key starts with: the prefix to give to ImportTable. */
export const dataPrefix = (prefix: string) => `${prefix}/0x`;

/** The folder of one segment's chain. */
export const segmentPrefix = (prefix: string, segment: number) => `${prefix}/0x${hex(segment, 4)}/`;

/** The key of one data file. */
export function dataFileKey(prefix: string, segment: number, batch: number): string {
  return `${segmentPrefix(prefix, segment)}0x${hex(batch, 8)}.json.gz`;
}

/** Hexadecimal, padded so that a listing is in order. */
function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}
