/**
 * Reads rows and segment records from the items of a run with the AWS adapters.
 */
import { type Item, recordOfItem, rowOfItem } from "@ferry/aws/status/status-item";
import type { RowChange, StatusTables } from "@ferry/memory/status-store";
import type { createOwnTables, OwnTables } from "./own-tables.ts";

const ROWS: readonly string[] = ["backup-table", "restore-table"];

/** The status tables as the checks read them. */
export function statusTablesOf(tables: OwnTables): StatusTables {
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

/** Receives each write to the own tables, and passes those of rows on. */
export function itemChanged(rowChanged: (change: RowChange) => void): Parameters<typeof createOwnTables>[0] {
  const rowOf = (text: string) => rowOfItem(JSON.parse(text) as Item);
  return (table, { before, after }) => {
    if (!ROWS.includes(table)) return;
    rowChanged({ ...(before !== undefined && { before: rowOf(before) }), after: rowOf(after) });
  };
}
