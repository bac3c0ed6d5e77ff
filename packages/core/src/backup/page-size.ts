/**
 * How many items a page may have so that it consumes no more than one turn of the ceiling. What an item consumes is
 * learned from the pages read, small ones first.
 */

const FIRST_ITEMS = 16;
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
 * consumed no more says nothing of its items.
 */
export function openPageSize(unitsMax: number, unitsMin: number): PageSize {
  if (unitsMax === Number.POSITIVE_INFINITY) return { next: () => ({ units: 0 }), learn() {} };
  let limit = FIRST_ITEMS;
  let unitsPerItem = unitsMin / FIRST_ITEMS;
  /** The most that a page consumed which held less than its limit: its bytes cut it. */
  let cutUnits = 0;
  return {
    next() {
      const units = limit * unitsPerItem;
      return { limit, units: cutUnits === 0 ? units : Math.min(units, cutUnits) };
    },
    learn(items, units) {
      if (items === 0) return;
      if (items < limit) cutUnits = Math.max(cutUnits, units);
      // Dear items are believed at once, cheap ones by and by.
      unitsPerItem = Math.max(units / items, (unitsPerItem + units / items) / 2);
      const fitting = units <= unitsMin ? limit * GROWTH : Math.floor(unitsMax / unitsPerItem);
      limit = Math.max(1, Math.min(fitting, limit * GROWTH));
    },
  };
}
