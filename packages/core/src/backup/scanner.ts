/**
 * Reads a segment's pages in order, one page ahead of the compression. Backs off when throttled, and retries transient errors
 * a few times. Keeps to a read ceiling by reserving capacity for each try, and by pages that are no larger than a reservation.
 */
import { cutPage, type Page } from "../archive/page.ts";
import type { CancellationCheck } from "../control/cancellation.ts";
import type { BackupPlan } from "../events/events.ts";
import { readPaced } from "../pacing/paced-read.ts";
import { openPacer } from "../pacing/pacing.ts";
import { openPageSize } from "../pacing/page-size.ts";
import type { Ports } from "../ports.ts";
import type { Consumed } from "../segment/usage.ts";
import type { DynamoKey } from "../table/dynamo-key.ts";
import { tableOf } from "../table/table-identity.ts";

export interface Scanner {
  /**
   * The next page, or nothing if `untilMs` has passed or the segment is no longer needed. Must not be called after the
   * segment's last page.
   */
  next(): Promise<Page | undefined>;
  /** Discards the page that was read ahead, and continues after this key. */
  restart(after: DynamoKey | undefined): Promise<void>;
  /** Waits for the read in flight, and settles its consumption with the ceiling. */
  close(): Promise<void>;
  /** Whether the table or the ceiling made it wait. */
  wasThrottled(): boolean;
  /** What its reads consumed so far. */
  consumed(): Consumed;
}

/** Opens a scanner that starts after a key, or at the segment's start. `untilMs`: when to stop, ms since 1970. */
export function openScanner(
  plan: BackupPlan,
  segment: number,
  after: DynamoKey | undefined,
  options: { untilMs: number; check: CancellationCheck },
  ports: Ports,
): Scanner {
  const consistent = plan.request["consistent-read"] ?? false;
  const pace = openPacer({ task: plan.task, unitsPerSecond: plan["read-units"], ...options }, ports);
  const size = openPageSize(pace.callUnitsMax, consistent ? 1 : 0.5, plan["item-bytes"]);
  let ahead: Promise<Page | undefined> = read(after);
  // `next` throws this error; without a handler it would be an unhandled rejection until then.
  ahead.catch(() => {});

  function read(from: DynamoKey | undefined): Promise<Page | undefined> {
    return readPaced(
      { pace, size, random: ports.random },
      (page) => ({ items: page.items.length, jsonBytes: page.body.length }),
      async (limit) =>
        cutPage(
          await ports.tables.scan({
            table: tableOf(plan),
            segment,
            totalSegments: plan["total-segments"],
            consistent,
            ...(from !== undefined && { after: from }),
            ...(limit !== undefined && { limit }),
          }),
        ),
    );
  }

  return {
    async next() {
      const page = await ahead;
      if (page?.lastEvaluatedKey !== undefined) {
        ahead = read(page.lastEvaluatedKey);
        ahead.catch(() => {});
      }
      return page;
    },
    async restart(from) {
      await ahead.catch(() => {});
      ahead = read(from);
      ahead.catch(() => {});
    },
    async close() {
      await ahead.catch(() => {});
      await pace.close();
    },
    wasThrottled: pace.wasThrottled,
    consumed: pace.consumed,
  };
}
