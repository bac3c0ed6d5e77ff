/**
 * A row's item in its status table. Each row is converted once: the Pipe and the checks read the same item.
 */
import { type Item, itemOfRow } from "@ferry/aws/status/status-item";
import type { TaskRow } from "@ferry/core/projection/status";

const known = new WeakMap<TaskRow, Item>();

/** The item of a row, which must not change any more. */
export function itemOf(row: TaskRow): Item {
  const item = known.get(row) ?? itemOfRow(row);
  known.set(row, item);
  return item;
}
