/**
 * What an operator should know of a task beside its state and its counts.
 */
import { type TaskRow, transferred } from "./status.ts";

/** The most objects that DynamoDB's ImportTable takes. Source: DynamoDB's quotas. */
export const IMPORT_FILES_MAX = 50_000;

/** One sentence each. They follow from the row's counts, so they hold whatever the order of its facts. */
export function notesOf(row: TaskRow): string[] {
  const { batches } = transferred(row);
  if (row.action !== "backup" || batches <= IMPORT_FILES_MAX) return [];
  return [
    `The backup has ${batches} data files. ImportTable takes at most ${IMPORT_FILES_MAX}: restore it with Ferry, or back up again with a larger batch-bytes.`,
  ];
}
