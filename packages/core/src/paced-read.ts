/**
 * A read of one page of a table: in a turn of the task's ceiling, and tried again where that may help. Each try is a turn
 * of its own.
 */
import { isThrottled, isTransient } from "./errors.ts";
import { backoffMs, type Pacer, TRIES_MAX } from "./pacing.ts";
import type { PageSize } from "./page-size.ts";

/**
 * Calls `read` with the page's limit (absent: a full page) until it answers; nothing where the pacer has no turn left. It
 * learns from the page how large the next may be; `itemsOf` counts a page's items. Throttling backs off without end, a
 * transient error a few times; what is left is thrown.
 */
export async function readPaced<T extends { readonly units: number }>(
  { pace, size, random }: { pace: Pacer; size: PageSize; random: () => number },
  itemsOf: (page: T) => number,
  read: (limit: number | undefined) => Promise<T>,
): Promise<T | undefined> {
  let failures = 0;
  for (let tries = 0; ; tries++) {
    const { limit, units: expected } = size.next();
    if (!(await pace.reserve(expected))) return undefined;
    // Where the answer is lost, the call may have been made: it is charged as expected.
    let units = expected;
    try {
      const page = await read(limit);
      units = page.units;
      size.learn(itemsOf(page), units);
      return page;
    } catch (error) {
      if (isThrottled(error)) {
        units = 0;
        pace.pause(backoffMs(tries, random));
      } else {
        if (!isTransient(error) || ++failures >= TRIES_MAX) throw error;
        pace.delay(backoffMs(failures, random));
      }
    } finally {
      pace.recordConsumption(expected, units);
    }
  }
}
