/**
 * Reads a segment's pages in order: the next one is on its way while this one is compressed. Throttling backs off, a
 * transient error is tried again a few times; a read ceiling is kept by taking turns, and by pages that are no larger than
 * a turn. Each try is a turn of its own.
 */
import { cutPage, type Page } from "../archive/page.ts";
import type { CancellationCheck } from "../cancellation.ts";
import type { BackupPlan, DynamoKey } from "../events.ts";
import { readPaced } from "../paced-read.ts";
import { openPacer } from "../pacing.ts";
import { openPageSize } from "../page-size.ts";
import type { Ports } from "../ports.ts";
import { tableOf } from "../table-identity.ts";

export interface Scanner {
  /**
   * The next page, or nothing when the time until `untilMs` is up or nobody wants the segment any more. After the
   * segment's last page: not to be called.
   */
  next(): Promise<Page | undefined>;
  /** Forgets what was read ahead and goes on after this key. */
  restart(after: DynamoKey | undefined): Promise<void>;
  /** Waits for what is in flight, and settles what it was to consume. */
  close(): Promise<void>;
  /** Whether the table or the ceiling made it wait. */
  heldUp(): boolean;
}

/** Opens a scanner after a key, or at the segment's start. `untilMs`: when to stop, ms since 1970. */
export function openScanner(
  plan: BackupPlan,
  segment: number,
  after: DynamoKey | undefined,
  about: { untilMs: number; watch: CancellationCheck },
  ports: Ports,
): Scanner {
  const consistent = plan.request["consistent-read"] ?? false;
  const pace = openPacer({ task: plan.task, unitsPerSecond: plan["read-units"], ...about }, ports);
  const size = openPageSize(pace.callUnitsMax, consistent ? 1 : 0.5, plan["item-bytes"]);
  let ahead: Promise<Page | undefined> = read(after);
  // A page that nobody comes to fetch must not bring the process down.
  ahead.catch(() => {});

  function read(from: DynamoKey | undefined): Promise<Page | undefined> {
    return readPaced(
      { pace, size, random: ports.random },
      (page) => page.items.length,
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
    heldUp: pace.wasThrottled,
  };
}
