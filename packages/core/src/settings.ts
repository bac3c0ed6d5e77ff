/**
 * What an operator may set for a stage, as far as the engine itself needs it.
 */
export interface Settings {
  /** The most segments a task may have: SEGMENTS_MAX at most. */
  readonly maximumSegments: number;
  /** How long one slice works before it hands off, ms. */
  readonly sliceBudgetMs: number;
  /** How often a slice reports what it has stored, ms. */
  readonly progressIntervalMs: number;
  /** How often a slice looks whether its segment is still wanted: how soon a cancel stops it, ms. */
  readonly cancelPollIntervalMs: number;
  /** The least time between two batches of one segment, ms. */
  readonly batchSpacingMs: number;
  /** The gzip level used where the request names none: 1 (fast) to 9 (small). */
  readonly compressionLevel: number;
  /** How many hand-offs in a row may move nothing, throttling aside, before the segment fails. */
  readonly maxHandoffsWithoutProgress: number;
  /** How long one attempt of a task may take before its segments give up, ms. */
  readonly taskTimeoutMs: number;
  /** The largest decompressed data file that a restore keeps in memory; a larger one is read twice, bytes. */
  readonly maximumFileBytesInMemory: number;
  /** The largest decompressed data file that is read at all, bytes. */
  readonly maximumFileBytes: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/**
 * The most that `maximumSegments` may be. A task's row is one DynamoDB item of 400 KiB, and holds for each segment the
 * attempt it failed in, its highest attempt, and what it has done: 80 bytes at worst. A row of this many, with the
 * longest keys, plan and reasons, has 336 KiB. The event of a retry, which names them all, has 1 MiB at most.
 */
export const SEGMENTS_MAX = 4000;

/** What holds where a stage sets nothing else. */
export const defaultSettings: Settings = {
  maximumSegments: 1000,
  sliceBudgetMs: 4 * 60_000,
  progressIntervalMs: 15_000,
  cancelPollIntervalMs: 5_000,
  batchSpacingMs: 0,
  compressionLevel: 6,
  maxHandoffsWithoutProgress: 10,
  taskTimeoutMs: 7 * 24 * 3_600_000,
  // The largest `batch-bytes` is 256 MiB, and the item that fills a file may take 32 MiB more.
  maximumFileBytesInMemory: 288 * MIB,
  // A native export has one file or more for each partition: 10 GB of items, about twice that as JSON.
  maximumFileBytes: 32 * GIB,
};
