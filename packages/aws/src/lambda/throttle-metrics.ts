/**
 * Counts throttled calls and unprocessed writes. The engine handles them; this only measures.
 */
import { isThrottled } from "@ferry/core/errors/errors";
import type { ArchiveStore, TableData } from "@ferry/core/ports";

export interface ThrottleMetrics {
  /** Throttled calls and unprocessed writes so far. */
  readonly counts: { Throttles: number; UnprocessedWrites: number };
  readonly tables: TableData;
  readonly archive: ArchiveStore;
}

/** Wraps the ports with counters. */
export function countThrottles(tables: TableData, archive: ArchiveStore): ThrottleMetrics {
  const counts = { Throttles: 0, UnprocessedWrites: 0 };
  const counted = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      if (isThrottled(error)) counts.Throttles++;
      throw error;
    }
  };
  return {
    counts,
    tables: {
      describe: (...args) => counted(tables.describe(...args)),
      settings: (...args) => counted(tables.settings(...args)),
      identify: (...args) => counted(tables.identify(...args)),
      scan: (...args) => counted(tables.scan(...args)),
      count: (...args) => counted(tables.count(...args)),
      async insert(...args) {
        const result = await counted(tables.insert(...args));
        counts.UnprocessedWrites += result.outcomes.filter((one) => one === "unprocessed").length;
        return result;
      },
      async write(...args) {
        const result = await counted(tables.write(...args));
        counts.UnprocessedWrites += result.unprocessed.length;
        return result;
      },
    },
    archive: {
      putNew: (...args) => counted(archive.putNew(...args)),
      head: (...args) => counted(archive.head(...args)),
      get: (...args) => counted(archive.get(...args)),
      open: (...args) => counted(archive.open(...args)),
      list: (...args) => counted(archive.list(...args)),
    },
  };
}
