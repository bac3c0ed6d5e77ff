/**
 * Limits the items of a page, so that it consumes no more than one reservation of the ceiling allows. The consumption
 * of an item is first estimated from the average item size that DynamoDB reports, then learned from the pages read.
 */

/** A page is charged for at least this many bytes. */
const PAGE_BYTES_MIN = 4096;
/** DynamoDB's limit for one page. */
const PAGE_BYTES_MAX = 1024 * 1024;
/** The most by which a page's limit may grow over the last one, as a factor. */
const GROWTH = 4;

export interface PageSize {
  /** The next page's limit (undefined: a full page), and its expected consumption, units. */
  next(): { readonly limit?: number; readonly units: number };
  /**
   * Adjusts the estimate to a page of `items` items that consumed `units`. `jsonBytes`: the size of its response, if it has the
   * items.
   */
  learn(items: number, units: number, jsonBytes?: number): void;
}

/**
 * Sizes pages of at most `unitsMax` units; infinite for full pages. `unitsMin`: the consumption of the smallest page; a
 * page that consumed no more gives only an upper bound for its items. `itemBytes`: the average item size; undefined if unknown. It may
 * be hours old.
 */
export function openPageSize(unitsMax: number, unitsMin: number, itemBytes: number | undefined): PageSize {
  if (unitsMax === Number.POSITIVE_INFINITY) return { next: () => ({ units: 0 }), learn() {} };
  let unitsPerItem = itemBytes === undefined ? unitsMin : (itemBytes / PAGE_BYTES_MIN) * unitsMin;
  let limit = itemBytes === undefined ? 1 : fitting();
  /**
   * The consumption of a page that ended at the byte limit. Undefined before such a page, and after a page that reached
   * its item limit.
   */
  let cutUnits: number | undefined;
  /** The highest consumption of a page. */
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
    learn(items, units, jsonBytes = Number.POSITIVE_INFINITY) {
      // A table that does not report its consumption gives no information.
      if (items === 0 || units === 0) return;
      if (items >= limit) cutUnits = undefined;
      // DynamoDB may also end a page early. A page at the byte limit consumes at least half as much as any other page.
      else if (units >= mostUnits / 2) cutUnits = Math.max(cutUnits ?? 0, units);
      mostUnits = Math.max(mostUnits, units);
      if (units <= unitsMin) {
        // An item's JSON is never smaller than what DynamoDB counts. Without this bound, a page of one item would stay one: it consumes
        // the smallest amount, however small the item is.
        const jsonUnits = (jsonBytes / PAGE_BYTES_MIN) * unitsMin;
        unitsPerItem = Math.min(unitsPerItem, Math.min(units, jsonUnits) / items);
        limit = Math.min(fitting(), limit * GROWTH);
        return;
      }
      // A higher consumption per item is adopted at once, a lower one half way.
      unitsPerItem = Math.max(units / items, (unitsPerItem + units / items) / 2);
      limit = Math.min(fitting(), limit * GROWTH);
    },
  };
}
