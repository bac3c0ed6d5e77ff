/** Announces tasks again whose announcement was lost, so that they end without an operator. */
import type { StatusStore } from "@ferry/core/ports";
import { announceAgain } from "@ferry/core/projection/announce-again";
import type { OpenTask } from "./stalled.ts";

/** The most tasks that one run announces. Each takes a read and two writes, and the monitor has a minute. */
export const ANNOUNCED_MAX = 200;

/** What became of the tasks that wait for their announcement. */
export interface Announced {
  /** The ids of the announced tasks. */
  readonly again: readonly string[];
  /** Tasks whose row could not be read or written. The next run tries again. */
  readonly failed: readonly { readonly id: string; readonly error: unknown }[];
}

/** Announces, one after another, the open tasks that have waited for their announcement for too long. */
export async function announceLost(
  open: readonly OpenTask[],
  store: StatusStore,
  nowMs: number,
): Promise<Announced> {
  const again: string[] = [];
  const failed: { id: string; error: unknown }[] = [];
  for (const { id, row, awaitsAnnouncement } of open) {
    if (!awaitsAnnouncement) continue;
    if (again.length + failed.length === ANNOUNCED_MAX) break;
    try {
      if (await announceAgain(row, { store, nowMs })) again.push(id);
    } catch (error) {
      failed.push({ id, error });
    }
  }
  return { again, failed };
}
