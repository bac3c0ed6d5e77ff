/**
 * Counts the items of a table, to its end or to the end of the invocation: a later one goes on where it stopped.
 */

import type { CancellationCheck } from "../cancellation.ts";
import { permanent } from "../errors.ts";
import type { CountProgress, DynamoKey, RestorePlan } from "../events.ts";
import { readPaced } from "../paced-read.ts";
import { openPacer } from "../pacing.ts";
import { openPageSize } from "../page-size.ts";
import type { ItemCount, Ports } from "../ports.ts";
import { sliceEndMs } from "../slice-budget.ts";
import { tableOf } from "../table-identity.ts";

/** How many segments are counted at once. */
const LANES = 8;
/** How much of the table a segment has, if its keys spread evenly: a few seconds' work. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
const SEGMENTS_MAX = 1_000_000;

/** A count that is not begun, of a table that holds about so many bytes. */
export function beginCount(tableBytes: number): CountProgress {
  const segments = Math.min(SEGMENTS_MAX, Math.max(1, Math.ceil(tableBytes / SEGMENT_BYTES)));
  return { items: 0, segments, next: 0, open: [], idle: 0 };
}

/** Whether the whole table was counted. */
export function isCounted({ next, segments, open }: CountProgress): boolean {
  return next === segments && open.length === 0;
}

/**
 * Counts on, with strongly consistent reads at the pace of the plan's `count-units`. Throttling backs off. `itemBytes`: of
 * an average item. Permanent error: `no-progress`.
 */
export async function countOn(
  plan: RestorePlan,
  from: CountProgress,
  itemBytes: number,
  ports: Ports,
): Promise<CountProgress> {
  const about = { task: plan.task, untilMs: sliceEndMs(ports), watch: untilTheEnd(ports) };
  const pace = openPacer({ ...about, unitsPerSecond: plan["count-units"] }, ports);
  const size = openPageSize(pace.callUnitsMax, 1, itemBytes);
  const waiting = [...from.open];
  const stopped: { segment: number; after?: DynamoKey }[] = [];
  let { items, next } = from;
  let pages = 0;

  async function lane(): Promise<void> {
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

  /** Nothing where the time is up. */
  function countPage(at: { segment: number; after?: DynamoKey }): Promise<ItemCount | undefined> {
    return readPaced(
      { pace, size, random: ports.random },
      (page: ItemCount) => page.items,
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
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
    for (const one of lanes) if (one.status === "rejected") throw one.reason;
  } finally {
    await pace.close();
  }
  const idle = pages > 0 ? 0 : from.idle + 1;
  if (idle > ports.settings.maxHandoffsWithoutProgress)
    throw permanent("no-progress", {
      operation: "count items",
      resource: `table ${tableOf(plan).name} in ${tableOf(plan).region}`,
      message: `${idle} invocations in a row counted nothing: the table throttled every read.`,
      hint: "Give the table read capacity; then put a TaskRetryRequested.",
    });
  return { items, segments: from.segments, next, open: [...stopped, ...waiting], idle };
}

/** No segment is worked on: the only end is that of the time. */
function untilTheEnd(ports: Ports): CancellationCheck {
  return {
    stillNeeded: async () => true,
    async waitUntil(untilMs) {
      const leftMs = untilMs - ports.time.now();
      if (leftMs > 0) await ports.time.sleep(leftMs);
      return true;
    },
  };
}
