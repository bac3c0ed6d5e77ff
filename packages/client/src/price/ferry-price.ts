/**
 * The price of Ferry's own work, at the list prices of prices.ts.
 */
import { prices } from "./prices.ts";

/** The parts of Ferry's price, US dollars. */
export type FerryPrice = Readonly<Record<"units" | "lambda" | "s3" | "events" | "transfer", number>>;

const GB = 1e9;
const MILLION = 1e6;
const LAMBDA_GB = 1.8;
/** A segment's events: three, and one for each report of its progress. */
const PROGRESS_SECONDS = 15;
/** Lines compress to about this part of their bytes. */
export const STORED_RATIO = 0.25;

/**
 * The price of work. `unitsUsd`: of the capacity units; `workSeconds`: the sum of the segments' times; `otherRegionBytes`: bytes of lines
 * that go to or come from another region.
 */
export function ferryPrice(work: {
  readonly unitsUsd: number;
  readonly segments: number;
  readonly workSeconds: number;
  readonly files: number;
  readonly otherRegionBytes: number;
}): FerryPrice {
  const { unitsUsd, segments, workSeconds, files, otherRegionBytes } = work;
  return {
    units: unitsUsd,
    lambda: workSeconds * LAMBDA_GB * prices.lambda.usd,
    s3: (files * Math.max(prices.s3Put.usd, prices.s3Get.usd)) / MILLION,
    events: ((3 * segments + workSeconds / PROGRESS_SECONDS) * prices.events.usd) / MILLION,
    transfer: (otherRegionBytes / GB) * STORED_RATIO * prices.transfer.usd,
  };
}

/** The price of capacity units of an on-demand table. */
export function onDemandUsd(kind: "readUnits" | "writeUnits", units: number): number {
  return (units * prices[kind].usd) / MILLION;
}

export function totalUsd(parts: FerryPrice): number {
  return Object.values(parts).reduce((sum, part) => sum + part, 0);
}
