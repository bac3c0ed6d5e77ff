/**
 * How many items a page may have so that it consumes no more than one turn of the ceiling. What an item consumes is
 * first what DynamoDB tells of the average one, then learned from the pages read.
 */

/** What the smallest page that is read consumes for. */
const PAGE_BYTES_MIN = 4096;
/** DynamoDB's limit for one page. */
const PAGE_BYTES_MAX = 1024 * 1024;
/** How many times larger than the last a page may be. */
const GROWTH = 4;

export interface PageSize {
  /** The next page's limit (absent: a full page), and what it is expected to consume, units. */
  next(): { readonly limit?: number; readonly units: number };
  /** Learns from a page. */
  learn(items: number, units: number): void;
}

/**
 * For pages of `unitsMax` units at most; infinite for full pages. `unitsMin`: what the smallest page consumes; one that
 * consumed no more says nothing of its items. `itemBytes`: of an average item; absent where that is not known.
 */
export function openPageSize(unitsMax: number, unitsMin: number, itemBytes: number | undefined): PageSize {
  if (unitsMax === Number.POSITIVE_INFINITY) return { next: () => ({ units: 0 }), learn() {} };
  let unitsPerItem = itemBytes === undefined ? unitsMin : (itemBytes / PAGE_BYTES_MIN) * unitsMin;
  let limit = itemBytes === undefined ? 1 : fitting();
  /** What a page consumed that its bytes cut. Absent until there was one, and again after a page that held its limit. */
  let cutUnits: number | undefined;
  /** The most that a page consumed. */
  let mostUnits = 0;
  const fullUnits = (PAGE_BYTES_MAX / PAGE_BYTES_MIN) * unitsMin;

  function fitting(): number {
    return Math.max(1, Math.floor(Math.max(unitsMax, unitsMin) / unitsPerItem));
  }

  return {
    next() {
      // Consumption is rounded up.
      const units = Math.ceil((limit * unitsPerItem) / unitsMin) * unitsMin;
      return { limit, units: Math.min(units, cutUnits ?? fullUnits) };
    },
    learn(items, units) {
      // A table that does not tell what it took teaches nothing.
      if (items === 0 || units === 0) return;
      if (items >= limit) cutUnits = undefined;
      // DynamoDB may end a page early, too. Bytes do not cut a page at less than half of what another one held.
      else if (units >= mostUnits / 2) cutUnits = Math.max(cutUnits ?? 0, units);
      mostUnits = Math.max(mostUnits, units);
      if (units <= unitsMin) {
        unitsPerItem = Math.min(unitsPerItem, units / items);
        limit = Math.min(fitting(), limit * GROWTH);
        return;
      }
      // Dear items are believed at once, cheap ones by and by.
      unitsPerItem = Math.max(units / items, (unitsPerItem + units / items) / 2);
      limit = Math.min(fitting(), limit * GROWTH);
    },
  };
}
