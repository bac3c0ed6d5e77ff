/** The kinds of archives that restores read, and their faults. */

/**
 * The kind of an archive: Ferry's data files and manifest alone (`bare`), a complete archive of Ferry's (`own`), or an export
 * of DynamoDB (`full`, `incremental`).
 */
export type Source = "bare" | "own" | "full" | "incremental";

/** What data files hold. An engine must recognise it by the content: names may say something else. */
export type Stored = "gzip" | "zstd" | "plain";

/** The faults of an archive, and the kinds that may have them. A restore must not succeed with any of them. */
export const archiveFaults = {
  // Not in Ferry's own archives: they have no duplicate keys, and restores do not check for them.
  "duplicate key": ["bare", "full", "incremental"],
  // Only found if the table was empty.
  "one key in two files": ["bare", "full"],
  "delete in a full export": ["bare", "own", "full"],
  "line cut off": ["bare", "own", "full", "incremental"],
  "another count": ["bare", "own", "full", "incremental"],
  "file listed twice": ["bare", "own", "full", "incremental"],
  "another file in its place": ["bare", "own", "full", "incremental"],
  "damaged file": ["bare", "own", "full", "incremental"],
  "bytes behind a file's end": ["bare", "own", "full", "incremental"],
  "larger than allowed": ["bare", "own", "full", "incremental"],
  "missing file": ["bare", "own", "full", "incremental"],
  "checksum object differs": ["full", "incremental"],
  "unknown version": ["own", "full", "incremental"],
  moved: ["own", "full", "incremental"],
  "mode not for changes": ["incremental"],
  "no table.json": ["own"],
  "damaged table.json": ["own"],
  "table with other keys": ["bare", "own", "full", "incremental"],
} as const satisfies Readonly<Record<string, readonly Source[]>>;

export type ArchiveFault = keyof typeof archiveFaults;

/** The archive of a restore: its kind, what its data files hold, and its fault if it has one. */
export interface SourceSpec {
  readonly kind: Source;
  readonly stored: Stored;
  readonly fault?: ArchiveFault;
  /** Of a full export: how many incremental exports follow it, and whether the request lists them or Ferry finds them. */
  readonly series?: { readonly increments: number; readonly isListed: boolean };
}
