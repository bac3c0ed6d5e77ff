/**
 * The status tables in memory: a row is written if nobody else wrote it meanwhile, a record if it ranks higher.
 */
import type { StatusStore } from "@ferry/core/ports";
import { rankOf, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";
import { invalid } from "./errors.ts";

/** The most that an item of DynamoDB may have, bytes. */
export const ITEM_BYTES_MAX = 400 * 1024;
/** A row of this length as JSON is no item that is too large: at worst it has its reasons twice and in three-byte letters. */
const SMALL_ROW_LENGTH = 50 * 1024;

/** What the table's stream tells: a row as it was, absent at its birth, and as it is. */
export interface RowChange {
  readonly before?: TaskRow;
  readonly after: TaskRow;
}

/** What a test reads of status tables. */
export interface StatusTables {
  rows(): TaskRow[];
  /** Deletes a row, as an operator would. */
  remove(row: TaskRow): void;
  /** The records of a task, by its id, in the order of their segments. */
  records(task: string): SegmentRecord[];
}

/** Status tables in memory. */
export interface MemoryStatusStore extends StatusStore, StatusTables {}

/**
 * A status store in memory. `changed` hears of each write of a row, as the tables' streams do. `rowBytes` is the size of
 * a row as a DynamoDB item, bytes: a row that is too large is refused. Without it every size is taken.
 */
export function memoryStatusStore(
  changed: (change: RowChange) => void = () => {},
  rowBytes: (row: TaskRow) => number = () => 0,
): MemoryStatusStore {
  // Held as texts: what is read shares nothing with what was written, and nothing that JSON loses can be relied on.
  const rows = new Map<string, string>();
  const records = new Map<string, string>();
  const parsed = (text: string | undefined) =>
    text === undefined ? undefined : (JSON.parse(text) as TaskRow);

  return {
    async read(task) {
      return parsed(rows.get(rowName(task)));
    },
    async write(row, readRevision) {
      const name = rowName(row);
      const before = parsed(rows.get(name));
      if (before?.rev !== readRevision) return false;
      const text = JSON.stringify(row);
      if (text.length > SMALL_ROW_LENGTH && rowBytes(row) > ITEM_BYTES_MAX)
        throw invalid(
          "PutItem",
          `${row.action}-table ${name}`,
          "Item size has exceeded the maximum allowed size",
        );
      rows.set(name, text);
      changed({ ...(before !== undefined && { before }), after: JSON.parse(text) as TaskRow });
      return true;
    },
    async raise(record) {
      const name = JSON.stringify([record.task, record.segment]);
      const held = records.get(name);
      if (held !== undefined && rankOf(JSON.parse(held) as SegmentRecord) >= rankOf(record)) return;
      records.set(name, JSON.stringify(record));
    },
    remove(row) {
      rows.delete(rowName(row));
    },
    rows() {
      return [...rows.values()].map((text) => JSON.parse(text) as TaskRow);
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
