/**
 * The compressions of data files. Format: docs/archive-format.md.
 */

/** For each compression: its levels (1 to `levelMax`), the end of a data file's name, and the media type of its content. */
export const compressions = {
  gzip: { levelMax: 9, extension: "gz", contentType: "application/gzip" },
  zstd: { levelMax: 19, extension: "zst", contentType: "application/zstd" },
} as const;

export type Compression = keyof typeof compressions;

/** The names of all compressions, for schemas. */
export const compressionNames = ["gzip", "zstd"] as const satisfies readonly Compression[];

/** The compression of a plan. Plans of versions that had gzip only do not name it. */
export function compressionOf(plan: { readonly compression?: Compression }): Compression {
  return plan.compression ?? "gzip";
}
