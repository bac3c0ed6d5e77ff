/**
 * Announces a row's state again. A row that stays `finishing` waits for its announcement, which requests the last step; the
 * announcement may have been lost with its record of the table's stream. Only the monitor calls this.
 */
import type { StatusStore } from "../ports.ts";
import type { RowKey } from "../request/task.ts";
import { msOf } from "../time.ts";
import { stateOf, type TaskRow, withoutMark } from "./status.ts";

/**
 * How long a row is unchanged before its state is announced again, ms. It is longer than a Lambda invocation, so that the
 * last step that is running or is tried again is seldom requested twice. A second request is harmless.
 */
export const SILENT_MS = 20 * 60_000;

/** Whether the row waits for its announcement, or for the second of the writes that announce it. */
export function awaitsAnnouncement(row: TaskRow): boolean {
  return row.reannounce === true || stateOf(row) === "finishing";
}

/**
 * Announces the state of a row that waits for it and was unchanged for `SILENT_MS`. As the projector does, it writes the row
 * with the mark `reannounce`, then without it. Each write needs the revision that was read: if a projector wrote meanwhile,
 * the row is left to that write, which removes the mark. If only the first write is made, the next call makes the second.
 * Returns whether the state was announced.
 */
export async function announceAgain(
  row: RowKey,
  { store, nowMs }: { readonly store: StatusStore; readonly nowMs: number },
): Promise<boolean> {
  const read = await store.read(row);
  if (read === undefined || !awaitsAnnouncement(read)) return false;
  if (nowMs - msOf(read.updatedTime) < SILENT_MS) return false;
  let { rev } = read;
  if (read.reannounce !== true) {
    if (!(await store.write({ ...read, reannounce: true, rev: rev + 1 }, rev))) return false;
    rev++;
  }
  return store.write({ ...withoutMark(read), rev: rev + 1 }, rev);
}
