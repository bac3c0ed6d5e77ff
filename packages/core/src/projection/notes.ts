/**
 * Remarks for operators about a task, in addition to its state and counts.
 */
import { stateOf, type TaskRow, transferred } from "./status.ts";

/** The most objects that DynamoDB's ImportTable reads. Source: DynamoDB's quotas. */
export const IMPORT_FILES_MAX = 50_000;

/** The row's notes, short texts. They derive from the row's counts, so they do not depend on the order of its facts. */
export function notesOf(row: TaskRow): string[] {
  return [...settingNotes(row), ...countNotes(row)];
}

/** The settings of the backed-up table that a table which the restore created does not have. */
function settingNotes({ settings = {} }: TaskRow): string[] {
  return Object.entries(settings)
    .filter(([, { outcome }]) => outcome === "not-captured" || outcome === "refused")
    .map(([name, { outcome, reason }]) => `The setting ${name} is not reapplied (${outcome}): ${reason}.`);
}

function countNotes(row: TaskRow): string[] {
  const { batches, matched } = transferred(row);
  if (row.plan !== undefined && "only" in row.plan.request && stateOf(row) === "succeeded" && matched === 0)
    return ["The archive has no item with a key in only: nothing was written."];
  if (row.action !== "backup" || batches <= IMPORT_FILES_MAX) return [];
  return [
    `The backup has ${batches} data files, but ImportTable reads at most ${IMPORT_FILES_MAX}: restore it with Ferry, or back up again with larger files (batch-bytes of the request, maximumCompressedFileBytes of the stage).`,
  ];
}
