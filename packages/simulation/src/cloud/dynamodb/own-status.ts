/**
 * The status tables of a run whose adapters are the AWS ones: what their items say.
 */
import { recordOfItem, rowOfItem } from "@ferry/aws/status-item";
import type { RowChange, StatusTables } from "@ferry/memory/status-store";
import type { Item, OwnTables } from "./own-tables.ts";

const ROWS: readonly string[] = ["backup-table", "restore-table"];

/** What is in the tables. */
export function statusOf(tables: OwnTables): StatusTables {
  return {
    rows: () => ROWS.flatMap((name) => tables.items(name)).map(rowOfItem),
    remove({ action, key, timestamp }) {
      tables.remove(
        `${action}-table`,
        (item) => item["key"]?.S === key && item["timestamp"]?.N === String(timestamp),
      );
    },
    records: (task) =>
      tables
        .items("segment-table")
        .map(recordOfItem)
        .filter((record) => record.task === task)
        .sort((a, b) => a.segment - b.segment),
  };
}

/** Hears of each write, and tells those of rows. */
export function itemChanged(rowChanged: (change: RowChange) => void) {
  return (table: string, { before, after }: { readonly before?: Item; readonly after: Item }): void => {
    if (!ROWS.includes(table)) return;
    rowChanged({ ...(before !== undefined && { before: rowOfItem(before) }), after: rowOfItem(after) });
  };
}
