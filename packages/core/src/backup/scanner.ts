/**
 * Reads a segment's pages in order: the next one is on its way while this one is compressed. Throttling backs off;
 * a read ceiling is kept by waiting.
 */
import { cutPage, type Page } from "../archive/page.ts";
import { isThrottled } from "../errors.ts";
import type { BackupPlan, DynamoKey } from "../events.ts";
import { backoffMs, pacer } from "../pacing.ts";
import type { Ports } from "../ports.ts";

export interface Scanner {
  /** The next page, or nothing when the time until `untilMs` is up. After the segment's last page: not to be called. */
  next(): Promise<Page | undefined>;
  /** Forgets what was read ahead and goes on after this key. */
  restart(after: DynamoKey | undefined): Promise<void>;
  /** Waits for what is in flight. */
  settle(): Promise<void>;
  /** Whether the table asked for less since the scanner was opened. */
  throttled(): boolean;
}

/** Opens a scanner after a key, or at the segment's start. `untilMs`: when to stop, ms since 1970. */
export function openScanner(
  plan: BackupPlan,
  segment: number,
  after: DynamoKey | undefined,
  untilMs: number,
  ports: Ports,
): Scanner {
  const pace = pacer(plan["segment-read-units"], untilMs, ports.time);
  let throttled = false;
  let ahead: Promise<Page | undefined> = read(after);
  // A page that nobody comes to fetch must not bring the process down.
  ahead.catch(() => {});

  async function read(from: DynamoKey | undefined): Promise<Page | undefined> {
    for (let tries = 0; await pace.ready(); tries++) {
      try {
        const page = cutPage(
          await ports.tables.scan({
            table: { region: plan.request["table-region"], name: plan.request["table-name"] },
            segment,
            totalSegments: plan["total-segments"],
            consistent: plan.request["consistent-read"] ?? false,
            ...(from !== undefined && { after: from }),
          }),
        );
        pace.spend(page.units);
        return page;
      } catch (error) {
        if (!isThrottled(error)) throw error;
        throttled = true;
        pace.pause(backoffMs(tries, ports.random));
      }
    }
    return undefined;
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
    async settle() {
      await ahead.catch(() => {});
    },
    throttled: () => throttled,
  };
}
