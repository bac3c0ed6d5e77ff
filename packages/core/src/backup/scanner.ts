/**
 * Reads a segment's pages in order, one page ahead of the compression. Backs off when throttled, and retries transient errors
 * a few times. Keeps to a read ceiling by reserving capacity for each try, and by pages that are no larger than a reservation.
 */
import { cutPage, lastKeyAtEnd, type Page } from "../archive/page.ts";
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

/** The read of a page, ahead of its use. */
interface ReadAhead {
  readonly after: DynamoKey | undefined;
  readonly page: Promise<Page | undefined>;
  /** Whether the page is waited for: then its response is followed by the next request at once. */
  isAwaited: boolean;
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
  let ahead = read(after);

  function read(after: DynamoKey | undefined): ReadAhead {
    const page = readPaced<Page>(
      { pace, size, random: ports.random },
      ({ count, body }) => ({ items: count, jsonBytes: body.length }),
      async (limit) => {
        const body = await ports.tables.scan({
          table: tableOf(plan),
          segment,
          totalSegments: plan["total-segments"],
          consistent,
          ...(after !== undefined && { after }),
          ...(limit !== undefined && { limit }),
        });
        // A page that is read again may have another last key.
        if (started.isAwaited && ahead === started) await readFollowing(body);
        return cutPage(body);
      },
    );
    // `next` throws its error; without a handler it would be an unhandled rejection until then.
    page.catch(() => {});
    const started: ReadAhead = { after, page, isAwaited: false };
    return started;
  }

  /**
   * Requests the page after a response whose items are not cut yet: cutting takes some milliseconds. Not with a ceiling: the size of a
   * page and its reservation depend on the page before it.
   */
  async function readFollowing(body: Uint8Array): Promise<void> {
    if (pace.callUnitsMax !== Number.POSITIVE_INFINITY) return;
    const key = lastKeyAtEnd(body);
    if (key === undefined) return;
    ahead = read(key);
    // Sending a request takes several turns of promises, which run before the sleep ends.
    await ports.time.sleep(0);
  }

  async function restart(after: DynamoKey | undefined): Promise<void> {
    await ahead.page.catch(() => {});
    ahead = read(after);
  }

  return {
    async next() {
      const current = ahead;
      current.isAwaited = true;
      const page = await current.page;
      const lastKey = page?.lastEvaluatedKey;
      if (lastKey === undefined) return page;
      if (ahead === current) ahead = read(lastKey);
      else if (JSON.stringify(ahead.after) !== JSON.stringify(lastKey)) await restart(lastKey);
      return page;
    },
    restart,
    async close() {
      await ahead.page.catch(() => {});
      await pace.close();
    },
    wasThrottled: pace.wasThrottled,
    consumed: pace.consumed,
  };
}
