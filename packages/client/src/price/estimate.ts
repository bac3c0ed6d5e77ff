/**
 * Estimates the duration and price of a backup or a restore, beside DynamoDB's own ways. Sizes are DynamoDB's, up to six hours
 * old; prices are those of prices.ts.
 */
import { defaultSegments } from "@ferry/core/backup/plan";
import type { TableStructure } from "../access.ts";
import { type FerryPrice, ferryPrice, onDemandUsd, STORED_RATIO, totalUsd } from "./ferry-price.ts";
import { prices } from "./prices.ts";

/** A way to back up or restore a table. */
export interface EstimatedWay {
  readonly name: string;
  /** The price of one run, US dollars; absent if it is not known here. */
  readonly usd?: number;
  /** The price of keeping the result for a month, US dollars. */
  readonly usdPerMonth?: number;
  /** The shortest and the longest time that is likely, seconds; absent if AWS gives none. */
  readonly seconds?: readonly [min: number, max: number];
  /** What it needs, and what it cannot do. */
  readonly remark: string;
}

export interface Estimate {
  readonly action: "backup" | "restore";
  readonly items: number;
  readonly bytes: number;
  /** Capacity units that Ferry consumes, and its segments. */
  readonly units: number;
  readonly segments: number;
  /** Ferry first. */
  readonly ways: readonly EstimatedWay[];
  /** The parts of Ferry's price, US dollars. */
  readonly parts: FerryPrice;
  /** The names of the ways with the lowest price and the shortest time. */
  readonly cheapest: string;
  readonly fastest: string;
}

export interface EstimateOptions {
  readonly consistentRead?: boolean;
  readonly totalSegments?: number;
  /** `read-units` or `write-units` of the request. */
  readonly unitsPerSecond?: number;
  /** Whether the bucket is in another region than the table. */
  readonly otherRegion?: boolean;
}

const GB = 1e9;
const KIB = 1024;
/** Items as JSON are about this much larger than DynamoDB counts. */
const JSON_RATIO = 1.7;
const FILE_BYTES = 32 * KIB * KIB;
/** What a segment reads or writes in a second, bytes as DynamoDB counts, at worst and at best. */
const SEGMENT_BYTES_PER_SECOND = [4e6, 20e6] as const;
/** Write units a second that a new on-demand table accepts, and one that is warm. */
const ON_DEMAND_WRITES = [4000, 40_000] as const;

export function estimateBackup(table: TableStructure, options: EstimateOptions = {}): Estimate {
  const { sizeBytes: bytes, itemCount: items, provisioned } = table;
  const units = Math.ceil(bytes / (4 * KIB)) / (options.consistentRead === true ? 1 : 2);
  const ceiling = options.unitsPerSecond ?? (provisioned && provisioned.readUnits / 2);
  const ferry = ferryWay(table, units, unitsUsd("readUnits", units, table), ceiling, options);
  const size = bytes / GB;
  return compared("backup", { items, bytes, units, ...ferry }, [
    {
      name: "Ferry backup",
      usd: totalUsd(ferry.parts),
      usdPerMonth: size * JSON_RATIO * STORED_RATIO * prices.s3Storage.usd,
      seconds: ferry.seconds,
      remark: "a scan, not a snapshot; into any bucket",
    },
    {
      name: "export to S3",
      usd: size * prices.export.usd,
      usdPerMonth: size * (JSON_RATIO * STORED_RATIO * prices.s3Storage.usd + prices.pointInTimeRecovery.usd),
      remark: "a snapshot; needs point-in-time recovery, whose price a month is included",
    },
    {
      name: "on-demand backup",
      usd: 0,
      usdPerMonth: size * prices.backupStorage.usd,
      seconds: [1, 60],
      remark: "a snapshot within the account; restores into a new table only",
    },
    {
      name: "AWS Backup",
      usd: 0,
      usdPerMonth: size * prices.awsBackupStorage.usd,
      remark: "a snapshot in a vault, with copies to other accounts; restores into a new table only",
    },
  ]);
}

export function estimateRestore(table: TableStructure, options: EstimateOptions = {}): Estimate {
  const { sizeBytes: bytes, itemCount: items, indexCount, provisioned } = table;
  const itemUnits = items === 0 ? 0 : Math.ceil(bytes / items / KIB);
  const units = items * itemUnits * (1 + indexCount);
  const ceiling = options.unitsPerSecond ?? (provisioned && provisioned.writeUnits / 2);
  const ferry = ferryWay(
    table,
    units,
    unitsUsd("writeUnits", units, table),
    ceiling,
    options,
    ON_DEMAND_WRITES,
  );
  const size = bytes / GB;
  return compared("restore", { items, bytes, units, ...ferry }, [
    {
      name: "Ferry restore",
      usd: totalUsd(ferry.parts),
      seconds: ferry.seconds,
      remark: "into any table with the same keys, empty or not; an on-demand table that is warm is faster",
    },
    {
      name: "import from S3",
      usd: size * prices.import.usd,
      remark: "a new table only; at most 50,000 files",
    },
    { name: "bulk put", remark: "StartBulkPutItems, into an existing table; its price is not known here" },
    {
      name: "restore of an on-demand backup",
      usd: size * prices.backupRestore.usd,
      remark: "a new table only, from a backup that was made before",
    },
    {
      name: "restore with AWS Backup",
      usd: size * prices.awsBackupRestore.usd,
      remark: "a new table only, from a recovery point that was made before",
    },
  ]);
}

/** The size as DynamoDB counts of items whose lines have this many bytes. */
export function countedBytes(lineBytes: number): number {
  return lineBytes / JSON_RATIO;
}

/** A provisioned table's capacity is paid for anyway. */
function unitsUsd(kind: "readUnits" | "writeUnits", units: number, { provisioned }: TableStructure): number {
  return provisioned === undefined ? onDemandUsd(kind, units) : 0;
}

function ferryWay(
  { sizeBytes: bytes }: TableStructure,
  units: number,
  usdOfUnits: number,
  unitsPerSecond: number | undefined,
  options: EstimateOptions,
  usualUnits?: readonly [slow: number, quick: number],
) {
  const segments = options.totalSegments ?? defaultSegments(bytes);
  const [slow, quick] = SEGMENT_BYTES_PER_SECOND;
  const atLeast = (rate: number | undefined) => (rate === undefined ? 0 : units / rate);
  const seconds = [
    Math.max(bytes / (segments * quick), atLeast(unitsPerSecond ?? usualUnits?.[1])),
    Math.max(bytes / (segments * slow), atLeast(unitsPerSecond ?? usualUnits?.[0])),
  ] as const;
  const files = Math.ceil((bytes * JSON_RATIO) / FILE_BYTES) + segments;
  const workSeconds = Math.max((seconds[0] + seconds[1]) / 2, 1) * segments;
  const parts = ferryPrice({
    unitsUsd: usdOfUnits,
    segments,
    workSeconds,
    files,
    otherRegionBytes: options.otherRegion === true ? bytes * JSON_RATIO : 0,
  });
  return { segments, seconds, parts };
}

function compared(
  action: Estimate["action"],
  table: Omit<Estimate, "action" | "ways" | "cheapest" | "fastest"> & { readonly seconds: unknown },
  ways: readonly EstimatedWay[],
): Estimate {
  const { seconds: _, ...numbers } = table;
  const lowest = (value: (way: EstimatedWay) => number | undefined) =>
    ways.reduce((best, way) => ((value(way) ?? Infinity) < (value(best) ?? Infinity) ? way : best)).name;
  return {
    action,
    ...numbers,
    ways,
    // A backup is kept: its first month counts.
    cheapest: lowest(({ usd, usdPerMonth = 0 }) => (usd === undefined ? undefined : usd + usdPerMonth)),
    fastest: lowest(({ seconds }) => seconds?.[1]),
  };
}
