/**
 * The settings of a stage that the engine needs.
 */
export interface Settings {
  /** The most segments that a task may have; at most SEGMENTS_MAX. */
  readonly maximumSegments: number;
  /** How long one slice works before it hands off, ms. */
  readonly sliceBudgetMs: number;
  /** How often a slice reports what it has stored, ms. */
  readonly progressIntervalMs: number;
  /** How often a slice checks whether its segment is still needed, ms. It bounds how soon a cancel stops the slice. */
  readonly cancelPollIntervalMs: number;
  /** The least time between two batches of one segment, ms. */
  readonly batchSpacingMs: number;
  /** The gzip level if the request has none: 1 (fast) to 9 (small). */
  readonly compressionLevel: number;
  /** How many handoffs in a row may make no progress before the segment fails; throttled slices do not count. */
  readonly maxHandoffsWithoutProgress: number;
  /** How long one attempt of a task may take before its segments fail, ms. */
  readonly taskTimeoutMs: number;
  /** The largest decompressed data file that a restore keeps in memory, bytes; a larger one is read twice. */
  readonly maximumFileBytesInMemory: number;
  /** The largest decompressed data file that a restore accepts, bytes. */
  readonly maximumFileBytes: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/**
 * The upper limit of `maximumSegments`. A task's row is one DynamoDB item of at most 400 KiB. For each segment it holds the
 * attempt in which it failed, its highest attempt and its checkpoint: at most 80 bytes. With this many segments and the
 * longest keys, plan and reasons it has 336 KiB. The event of a retry, which lists all segments, has at most 1 MiB.
 */
export const SEGMENTS_MAX = 4000;

/** The defaults of a stage. */
export const defaultSettings: Settings = {
  maximumSegments: 1000,
  sliceBudgetMs: 4 * 60_000,
  progressIntervalMs: 15_000,
  cancelPollIntervalMs: 5_000,
  batchSpacingMs: 0,
  compressionLevel: 6,
  maxHandoffsWithoutProgress: 10,
  taskTimeoutMs: 7 * 24 * 3_600_000,
  // The largest `batch-bytes` is 256 MiB, and the last item of a file may add 32 MiB.
  maximumFileBytesInMemory: 288 * MIB,
  // A native export has at least one file for each partition: 10 GB of items, about twice that as JSON.
  maximumFileBytes: 32 * GIB,
};
