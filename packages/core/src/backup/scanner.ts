/**
 * Reads a segment's pages in order: the next one is on its way while this one is compressed. Throttling backs off, a
 * transient error is tried again a few times; a read ceiling is kept by taking turns, and by pages that are no larger than
 * a turn. Each try is a turn of its own.
 */
import { cutPage, type Page } from "../archive/page.ts";
import { isThrottled, isTransient } from "../errors.ts";
import type { BackupPlan, DynamoKey } from "../events.ts";
import { backoffMs, openPacer, TRIES_MAX } from "../pacing.ts";
import { openPageSize } from "../page-size.ts";
import type { Ports } from "../ports.ts";
import type { Watch } from "../segment.ts";

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
  about: { untilMs: number; watch: Watch },
  ports: Ports,
): Scanner {
  const consistent = plan.request["consistent-read"] ?? false;
  const pace = openPacer({ task: plan.task, unitsPerSecond: plan["read-units"], ...about }, ports);
  const size = openPageSize(pace.callUnitsMax, consistent ? 1 : 0.5, plan["item-bytes"]);
  let ahead: Promise<Page | undefined> = read(after);
  // A page that nobody comes to fetch must not bring the process down.
  ahead.catch(() => {});

  async function read(from: DynamoKey | undefined): Promise<Page | undefined> {
    let failures = 0;
    for (let tries = 0; ; tries++) {
      const { limit, units: expected } = size.next();
      if (!(await pace.turn(expected))) return undefined;
      // Where the answer is lost, the call may have been made: it is charged as expected.
      let units = expected;
      try {
        const page = cutPage(
          await ports.tables.scan({
            table: { region: plan.request["table-region"], name: plan.request["table-name"] },
            segment,
            totalSegments: plan["total-segments"],
            consistent,
            ...(from !== undefined && { after: from }),
            ...(limit !== undefined && { limit }),
          }),
        );
        units = page.units;
        size.learn(page.items.length, units);
        return page;
      } catch (error) {
        if (isThrottled(error)) {
          units = 0;
          pace.pause(backoffMs(tries, ports.random));
        } else {
          if (!isTransient(error) || ++failures >= TRIES_MAX) throw error;
          pace.delay(backoffMs(failures, ports.random));
        }
      } finally {
        pace.spent(expected, units);
      }
    }
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
    heldUp: pace.heldUp,
  };
}
