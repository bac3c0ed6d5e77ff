/**
 * Counts the items of a table. If the invocation's time does not suffice, a later invocation continues the count.
 */

import type { CancellationCheck } from "../control/cancellation.ts";
import { permanent } from "../errors/errors.ts";
import type { CountProgress, RestorePlan } from "../events/events.ts";
import { readPaced } from "../pacing/paced-read.ts";
import { openPacer } from "../pacing/pacing.ts";
import { openPageSize } from "../pacing/page-size.ts";
import type { ItemCount, Ports } from "../ports.ts";
import { tableResource } from "../request/addresses.ts";
import { sliceEndMs } from "../segment/slice-budget.ts";
import type { DynamoKey } from "../table/dynamo-key.ts";
import { tableOf } from "../table/table-identity.ts";

/** The number of segments that are counted concurrently. */
const SEGMENTS_AT_ONCE = 8;
/** The average size of a segment: a few seconds' work. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
const SEGMENTS_MAX = 1_000_000;

/** The start of a count. `tableBytes`: the approximate size of the table. */
export function beginCount(tableBytes: number): CountProgress {
  const segments = Math.min(SEGMENTS_MAX, Math.max(1, Math.ceil(tableBytes / SEGMENT_BYTES)));
  return { items: 0, segments, next: 0, open: [], idle: 0 };
}

/** Whether the whole table has been counted. */
export function isCounted({ next, segments, open }: CountProgress): boolean {
  return next === segments && open.length === 0;
}

/**
 * Continues a count with strongly consistent reads, under the ceiling of the plan's `count-units`. Backs off when throttled.
 * `itemBytes`: the average size of an item. Permanent error: `no-progress`.
 */
export async function countOn(
  plan: RestorePlan,
  from: CountProgress,
  itemBytes: number,
  ports: Ports,
): Promise<CountProgress> {
  const options = { task: plan.task, untilMs: sliceEndMs(ports), check: neverCancelled(ports) };
  const pace = openPacer({ ...options, unitsPerSecond: plan["count-units"] }, ports);
  const size = openPageSize(pace.callUnitsMax, 1, itemBytes);
  const waiting = [...from.open];
  const stopped: { segment: number; after?: DynamoKey }[] = [];
  let { items, next } = from;
  let pages = 0;

  async function countSegments(): Promise<void> {
    for (;;) {
      let at = waiting.shift() ?? (next < from.segments ? { segment: next++ } : undefined);
      if (at === undefined) return;
      const { segment } = at;
      while (at !== undefined) {
        const page = await countPage(at);
        if (page === undefined) {
          stopped.push(at);
          return;
        }
        items += page.items;
        pages++;
        at = page.after === undefined ? undefined : { segment, after: page.after };
      }
    }
  }

  /** Counts one page; returns nothing if the time is up. */
  function countPage(at: { segment: number; after?: DynamoKey }): Promise<ItemCount | undefined> {
    return readPaced(
      { pace, size, random: ports.random },
      (page: ItemCount) => ({ items: page.items }),
      (limit) =>
        ports.tables.count({
          table: tableOf(plan),
          totalSegments: from.segments,
          consistent: true,
          ...at,
          ...(limit !== undefined && { limit }),
        }),
    );
  }

  try {
    const results = await Promise.allSettled(Array.from({ length: SEGMENTS_AT_ONCE }, countSegments));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  } finally {
    await pace.close();
  }
  const idle = pages > 0 ? 0 : from.idle + 1;
  if (idle > ports.settings.maxHandoffsWithoutProgress)
    throw permanent("no-progress", {
      operation: "count items",
      resource: tableResource(tableOf(plan)),
      predicate: `throttled every read: ${idle} invocations in a row counted nothing`,
      hint: "Give the table more read capacity; then put a TaskRetryRequested.",
    });
  return { items, segments: from.segments, next, open: [...stopped, ...waiting], idle };
}

/** A check that never cancels: a count ends only when it is complete or its time is up. */
function neverCancelled(ports: Ports): CancellationCheck {
  return {
    stillNeeded: async () => true,
    async waitUntil(untilMs) {
      const leftMs = untilMs - ports.time.now();
      if (leftMs > 0) await ports.time.sleep(leftMs);
      return true;
    },
  };
}
