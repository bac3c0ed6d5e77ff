/**
 * A task's progress: its row and segments, with rates over the last seconds.
 */
import { definedFields } from "@ferry/core/defined-fields";
import type { SegmentStatus, TaskStatus } from "./task-status.ts";
import { type TaskUsage, usageOf } from "./task-usage.ts";

/** One observation of a task. */
export interface TaskProgress {
  readonly task: TaskStatus;
  readonly segments: readonly SegmentStatus[];
  /** Over the last seconds. 0 at the first observation. */
  readonly itemsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Capacity units. */
  readonly unitsPerSecond: number;
  readonly usage: TaskUsage;
  /** 0 to 100, of the expected items; absent if they are not known. It is an estimate, and 100 only when the task succeeded. */
  readonly percent?: number;
  /** Seconds to the end at the present rate; absent if it is not known. */
  readonly etaSeconds?: number;
}

/** Rates are over this time, so that they neither jump with each report nor lag behind. */
const WINDOW_MS = 20_000;

interface Sample {
  readonly timeMs: number;
  readonly items: number;
  readonly bytes: number;
  readonly units: number;
}

/** Returns a function that turns the next observation into progress. `timeMs` is monotonic. */
export function openProgressMeter(): (
  timeMs: number,
  task: TaskStatus,
  segments: readonly SegmentStatus[],
) => TaskProgress {
  const samples: Sample[] = [];
  return (timeMs, task, segments) => {
    const { items, bytes } = task;
    const usage = usageOf(task, segments);
    const { units } = usage;
    while (samples.length > 0 && samples[0]!.timeMs < timeMs - WINDOW_MS) samples.shift();
    const first = samples[0];
    const seconds = first === undefined ? 0 : (timeMs - first.timeMs) / 1000;
    samples.push({ timeMs, items, bytes, units });
    const rateOf = (name: "items" | "bytes" | "units", value: number) =>
      seconds === 0 ? 0 : Math.max(0, value - first![name]) / seconds;
    const itemsPerSecond = rateOf("items", items);
    const bytesPerSecond = rateOf("bytes", bytes);
    // In the next attempt a segment's use begins at 0 again.
    const unitsPerSecond = rateOf("units", units);
    const expected = task.expected?.items;
    const percent =
      task.state === "succeeded"
        ? 100
        : expected === undefined || expected === 0
          ? undefined
          : Math.min(99, (100 * items) / expected);
    const left = expected === undefined ? undefined : expected - items;
    const etaSeconds =
      task.state === "running" && left !== undefined && left > 0 && itemsPerSecond > 0
        ? left / itemsPerSecond
        : undefined;
    return definedFields({
      task,
      segments,
      itemsPerSecond,
      bytesPerSecond,
      unitsPerSecond,
      usage,
      percent,
      etaSeconds,
    });
  };
}
