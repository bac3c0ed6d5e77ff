/**
 * Reads one page of a table within the task's ceiling, and tries again after retryable errors. Each try has its own
 * reservation.
 */
import { isThrottled, isTransient } from "../errors/errors.ts";
import { backoffMs, type Pacer, TRIES_MAX } from "./pacing.ts";
import type { PageSize } from "./page-size.ts";

/**
 * Calls `read` with the page's limit (undefined: a full page) until it succeeds. Returns undefined if the pacer grants no
 * reservation. `size` learns from the page, of which `contentOf` counts the items and, if the response has them, its bytes. Throttled calls are repeated without a limit, calls
 * with a transient error up to TRIES_MAX times; other errors are thrown.
 */
export async function readPaced<T extends { readonly units: number }>(
  { pace, size, random }: { pace: Pacer; size: PageSize; random: () => number },
  contentOf: (page: T) => { readonly items: number; readonly jsonBytes?: number },
  read: (limit: number | undefined) => Promise<T>,
): Promise<T | undefined> {
  let failures = 0;
  for (let tries = 0; ; tries++) {
    const { limit, units: expected } = size.next();
    if (!(await pace.reserve(expected))) return undefined;
    // If the response is lost, the table may have made the read: the expected units are charged.
    let units = expected;
    try {
      const page = await read(limit);
      units = page.units;
      const { items, jsonBytes } = contentOf(page);
      size.learn(items, units, jsonBytes);
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
