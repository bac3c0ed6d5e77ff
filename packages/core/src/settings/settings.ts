/**
 * The settings of a stage that the workers read: each is written once, here. The engine's type and its defaults, the schemas of
 * the stacks and of the workers' link (settings-schema.ts), and docs/settings.md derive from this list.
 */
import { type Compression, compressionNames, compressions } from "../archive/compression.ts";

/** A setting whose value is a whole number. */
export interface NumberSetting {
  /** The unit of `lowest`, `highest` and `default`. */
  readonly unit: string;
  /** The lowest value that an operator may choose. */
  readonly lowest: number;
  readonly highest: number;
  readonly default: number;
  /** For docs/settings.md. */
  readonly description: string;
}

/** A setting of the engine. If operators write it in another unit, `operator` has the name and the unit that they use. */
interface EngineSetting extends NumberSetting {
  readonly operator?: {
    readonly name: string;
    readonly unit: string;
    /** One of this unit in the setting's own unit. */
    readonly size: number;
  };
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/**
 * The upper limit of `maximumSegments`. A task's row is one DynamoDB item of at most 400 KiB. For each segment it holds the
 * attempt in which it failed, its highest attempt and its checkpoint: at most 80 bytes. With this many segments and the
 * longest keys, plan and reasons it has less than 376 KiB (row-size.test.ts of packages/aws). The event of a retry, which
 * lists all segments, has at most 1 MiB.
 */
export const SEGMENTS_MAX = 4000;

export const engineSettings = {
  maximumSegments: {
    unit: "segments",
    lowest: 1,
    highest: SEGMENTS_MAX,
    default: 1000,
    description: "The most segments that a task may have. The row of a task has no room for more than 4,000.",
  },
  sliceBudgetMs: {
    unit: "ms",
    lowest: 10 * SECOND_MS,
    highest: 14 * MINUTE_MS,
    default: 4 * MINUTE_MS,
    description: "How long a slice works before its handoff.",
    operator: { name: "sliceBudgetSeconds", unit: "s", size: SECOND_MS },
  },
  progressIntervalMs: {
    unit: "ms",
    lowest: SECOND_MS,
    highest: MINUTE_MS,
    default: 15 * SECOND_MS,
    description:
      "How often a slice reports what it has stored. In a task of many segments each reports less often: all together at most twice a second.",
  },
  cancelPollIntervalMs: {
    unit: "ms",
    lowest: SECOND_MS,
    highest: MINUTE_MS,
    default: 5 * SECOND_MS,
    description:
      "How often a slice checks whether its segment is still needed. It bounds how soon a cancel stops the slice.",
  },
  batchSpacingMs: {
    unit: "ms",
    lowest: 0,
    highest: MINUTE_MS,
    default: 0,
    description:
      "The least time between two batches of one segment. It limits the load on production tables.",
  },
  compressionLevel: {
    unit: "",
    lowest: 1,
    highest: compressions.gzip.levelMax,
    default: 6,
    description: "The level of requests for gzip without one: 1 (fast) to 9 (small).",
  },
  zstdLevel: {
    unit: "",
    lowest: 1,
    highest: compressions.zstd.levelMax,
    default: 3,
    description:
      "The level of requests for zstd without one: 1 (fast) to 19 (small). From 16 on a worker needs about 100 MB more.",
  },
  maxHandoffsWithoutProgress: {
    unit: "handoffs",
    lowest: 1,
    highest: 1000,
    default: 10,
    description:
      "How many handoffs in a row may make no progress before a segment fails. Handoffs because of throttling do not count.",
  },
  taskTimeoutMs: {
    unit: "ms",
    lowest: HOUR_MS,
    highest: 365 * 24 * HOUR_MS,
    default: 7 * 24 * HOUR_MS,
    description: "How long one attempt of a task may take before its segments fail.",
    operator: { name: "taskTimeoutHours", unit: "h", size: HOUR_MS },
  },
  maximumCompressedFileBytes: {
    unit: "bytes",
    lowest: MIB,
    highest: 512 * MIB,
    default: 64 * MIB,
    description:
      "The compressed size at which a backup ends a data file although its lines have fewer than `batch-bytes`; it may be two pages larger. A worker may have two files in memory: one is put while the next one fills.",
  },
  maximumFileBytesInMemory: {
    unit: "bytes",
    lowest: MIB,
    highest: 4 * GIB,
    // `batch-bytes` is 32 MiB by default, and the last item of a file may add 32 MiB.
    default: 64 * MIB,
    description:
      "The largest decompressed data file that a restore keeps in memory. A larger file is read twice.",
  },
  maximumFileBytes: {
    unit: "bytes",
    lowest: MIB,
    highest: 128 * GIB,
    // A native export has at least one file for each partition: 10 GB of items, about twice that as JSON.
    default: 32 * GIB,
    description:
      "The largest decompressed data file that a restore accepts. A file must be verified within one slice.",
  },
  retryDelaySeconds: {
    unit: "s",
    lowest: 0,
    highest: 900,
    default: 30,
    description:
      "The delay before a failed message is retried. It doubles with each attempt, up to 15 minutes.",
  },
} as const satisfies Readonly<Record<string, EngineSetting>>;

export type SettingName = keyof typeof engineSettings;

/** The settings whose value is one of several words. */
export const choiceSettings = {
  compression: {
    choices: compressionNames,
    default: "gzip" as Compression,
    description: "The compression of requests without one.",
  },
} as const;

type Choices = typeof choiceSettings;

/** The settings as the workers use them, each number in the unit of its name. */
export type Settings = { readonly [N in SettingName]: number } & {
  readonly [N in keyof Choices]: Choices[N]["choices"][number];
};

/** The list for loops. */
export const settingList = Object.entries(engineSettings) as readonly (readonly [
  SettingName,
  EngineSetting,
])[];

export const defaultSettings = Object.fromEntries(
  [...settingList, ...Object.entries(choiceSettings)].map(([name, setting]) => [name, setting.default]),
) as unknown as Settings;
