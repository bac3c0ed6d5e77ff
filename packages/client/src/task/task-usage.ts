/**
 * What a task has used so far, from its segments' records.
 */
import { ferryPrice, onDemandUsd, totalUsd } from "../price/ferry-price.ts";
import type { SegmentStatus, TaskStatus } from "./task-status.ts";

/** Sums over the segments, each of its latest attempt. What workers used that died before they reported is missing. */
export interface TaskUsage {
  /** Consumed capacity units. */
  readonly units: number;
  /** Calls that the table throttled, or of which it left writes unprocessed. */
  readonly throttles: number;
  readonly handoffs: number;
  /** The sum of the workers' times, seconds. */
  readonly workSeconds: number;
  /** The price at list prices, US dollars, as if the table were on demand; an estimate. */
  readonly usd: number;
}

export function usageOf(task: TaskStatus, segments: readonly SegmentStatus[]): TaskUsage {
  const sum = (name: "units" | "throttles" | "handoffs" | "workSeconds") =>
    segments.reduce((total, segment) => total + (segment[name] ?? 0), 0);
  const units = sum("units");
  const workSeconds = sum("workSeconds");
  const price = ferryPrice({
    unitsUsd: onDemandUsd(task.action === "backup" ? "readUnits" : "writeUnits", units),
    segments: segments.length,
    workSeconds,
    files: task.files,
    otherRegionBytes: task.table.region === task.archive.region ? 0 : task.bytes,
  });
  return {
    units,
    throttles: sum("throttles"),
    handoffs: sum("handoffs"),
    workSeconds,
    usd: totalUsd(price),
  };
}
