/**
 * The status tables in memory: a row is written if its revision is the latest, a segment record if its rank is higher.
 */
import type { StatusStore } from "@ferry/core/ports";
import { rankOf, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";
import { invalid } from "./errors.ts";

/** The largest item of DynamoDB, bytes. */
export const ITEM_BYTES_MAX = 400 * 1024;
/** A row whose JSON is at most this long always fits: its item has at worst its reasons twice, in three-byte characters. */
const SMALL_ROW_LENGTH = 50 * 1024;

/** A record of the table's stream: the row before the change, absent for a new row, and after it. */
export interface RowChange {
  readonly before?: TaskRow;
  readonly after: TaskRow;
}

/** What tests and operators do with status tables. */
export interface StatusTables {
  rows(): TaskRow[];
  /** Deletes a row, as an operator would. */
  remove(row: TaskRow): void;
  /** The segment records of a task, by its id, in the order of the segments. */
  records(task: string): SegmentRecord[];
}

/** Status tables in memory. */
export interface MemoryStatusStore extends StatusStore, StatusTables {}

/**
 * A status store in memory. `changed` is called at each write of a row, as the tables' streams are. `rowBytes` returns the
 * size of a row as a DynamoDB item, bytes: a row that is too large is refused. Without it every row is accepted.
 */
export function memoryStatusStore(
  changed: (change: RowChange) => void = () => {},
  rowBytes: (row: TaskRow) => number = () => 0,
): MemoryStatusStore {
  // Also as texts, so that reads share no objects with writes, and fields that JSON loses are lost here too.
  const rows = new Map<string, { readonly text: string; readonly row: TaskRow }>();
  const records = new Map<string, string>();

  return {
    async read(task) {
      const stored = rows.get(rowName(task));
      return stored && (JSON.parse(stored.text) as TaskRow);
    },
    async write(row, readRevision) {
      const name = rowName(row);
      const before = rows.get(name)?.row;
      if (before?.rev !== readRevision) return false;
      const text = JSON.stringify(row);
      if (text.length > SMALL_ROW_LENGTH && rowBytes(row) > ITEM_BYTES_MAX)
        throw invalid(
          "PutItem",
          `${row.action}-table ${name}`,
          "Item size has exceeded the maximum allowed size",
        );
      const after = JSON.parse(text) as TaskRow;
      rows.set(name, { text, row: after });
      changed({ ...(before !== undefined && { before }), after });
      return true;
    },
    async raise(record) {
      const name = JSON.stringify([record.task, record.segment]);
      const stored = records.get(name);
      if (stored !== undefined && rankOf(JSON.parse(stored) as SegmentRecord) >= rankOf(record)) return;
      records.set(name, JSON.stringify(record));
    },
    remove(row) {
      rows.delete(rowName(row));
    },
    rows() {
      return [...rows.values()].map(({ row }) => row);
    },
    records(task) {
      return [...records.values()]
        .map((text) => JSON.parse(text) as SegmentRecord)
        .filter((record) => record.task === task)
        .sort((a, b) => a.segment - b.segment);
    },
  };
}

function rowName(task: Parameters<StatusStore["read"]>[0]): string {
  return JSON.stringify([task.action, task.key, task.timestamp]);
}
