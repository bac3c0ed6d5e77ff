/**
 * Every task ends, its end is announced, and a task that did not succeed can be retried.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { hasDeletedRow, isDisturbed, isIntoWipedPrefix, type Outcome } from "./outcome.ts";
import { announcedAs, isOver, stateOfRow } from "./projection.ts";
import { taskLabel } from "./recorder.ts";
import { taskName } from "./recount.ts";

const DAY_MS = 24 * 3_600_000;

export function* taskViolations(outcome: Outcome): Iterable<string> {
  const { status, quiescedRows, recorder } = outcome;
  const { lostTypes } = outcome.outages;
  const rows = status.rows();
  for (const row of quiescedRows)
    if (beganAttempt(row, outcome) && mustSucceed(row, outcome) && lostTypes.length === 0)
      if (stateOfRow(row) !== "succeeded" && outcome.scenario.control.taskTimeoutMs > DAY_MS)
        yield `RETRY-IGNORED: ${taskLabel(row)} was retried after the fault phase and is ${stateOfRow(row)}: ${reasons(row)}`;
  // A task with a lost message continues only when it is retried.
  if (lostTypes.length === 0)
    for (const row of quiescedRows)
      if (!isOver(stateOfRow(row)) && !isDuplicateRejected(row, outcome))
        yield `HANG: ${taskLabel(row)} is ${stateOfRow(row)} after the quiesce`;
  for (const row of rows) {
    const state = stateOfRow(row);
    if (!isOver(state)) yield `HANG: ${taskLabel(row)} is ${state} at the end`;
    if (announcedAs(state) !== undefined && !wasAnnounced(row, outcome))
      yield `NOT-ANNOUNCED: ${taskLabel(row)} is ${state} in attempt ${row.attempt} and was not announced`;
    if (mustSucceed(row, outcome) && state !== "succeeded")
      yield `RETRY-FAILED: ${taskLabel(row)} was retried without faults and is ${state}: ${reasons(row)}`;
    for (const finishing of recorder.history(taskLabel(row)).finishing)
      if (finishing.completed.length !== finishing.total)
        yield `EARLY: ${taskLabel(row)} is finishing with ${finishing.completed.length} of ${finishing.total} segments`;
  }
}

/**
 * Whether a retry after the fault phase began an attempt. If an earlier retry began the attempt that follows the one it names, it
 * begins none, and faults may have used up the tries of that attempt's messages.
 */
function beganAttempt(row: TaskRow, { operations, recorder }: Outcome): boolean {
  const retry = operations.actors.retriedDuringLag.get(taskName(row));
  if (retry === undefined) return false;
  const named = (retry.detail as { readonly attempt?: number }).attempt;
  const before = recorder.events.slice(
    0,
    recorder.events.findIndex(({ id }) => id === retry.id),
  );
  return !before.some(({ "detail-type": type, detail }) => {
    const { task, attempt } = detail as { task?: { id: string }; attempt?: number };
    return (
      type === "TaskAccepted" && task?.id === row["task-id"] && named !== undefined && attempt === named + 1
    );
  });
}

/** If an operator deleted its row, a duplicate of the request is planned again; if that is rejected, the task needs a retry. */
function isDuplicateRejected(row: TaskRow, outcome: Outcome): boolean {
  return row.rejected && hasDeletedRow(row, outcome);
}

/** Every accepted task must, except over the files of another task, from a broken archive, or after disturbances. */
function mustSucceed(row: TaskRow, outcome: Outcome): boolean {
  const { fault } = outcome.scenario.data.source;
  // A stage with a file size limit also cannot read the data files of its own backups.
  const isBroken = row.action === "restore" ? fault !== undefined : fault === "larger than allowed";
  return (
    row.accepted &&
    !isBroken &&
    !isMissingDeletedItems(row, outcome) &&
    !isTableUsedByOther(row, outcome) &&
    !isIntoWipedPrefix(row, outcome) &&
    !isDisturbed(row, outcome)
  );
}

/** To a restore, items that the application deleted meanwhile look as if they had not been written. */
function isMissingDeletedItems(row: TaskRow, { operations }: Outcome): boolean {
  const written = operations.applicationItems.get(String(row.request["table-name"]));
  const isDeleted = [...(written?.values() ?? [])].some(({ text }) => text === undefined);
  return isDeleted && row.reasons.some(({ text }) => text.startsWith("items-missing"));
}

/** A retry that needs an empty table is rejected if another restore used the table since. */
function isTableUsedByOther(row: TaskRow, { status }: Outcome): boolean {
  if (row.action !== "restore" || (row.request["restore-mode"] ?? "empty-only") !== "empty-only")
    return false;
  const isOther = (one: TaskRow) =>
    taskName(one) !== taskName(row) &&
    one.action === "restore" &&
    one.accepted &&
    one.request["table-name"] === row.request["table-name"];
  return status.rows().some(isOther);
}

/**
 * A success is announced once, even if later attempts follow; a failure or cancel once per attempt. An announcement that a
 * fault lost counts: only that of `finishing` is repeated, because the rows do not show which others arrived.
 */
function wasAnnounced(row: TaskRow, { recorder }: Outcome): boolean {
  const announcedType = announcedAs(stateOfRow(row));
  return [...recorder.events, ...recorder.lostAnnouncements].some(({ "detail-type": type, detail }) => {
    const { task, attempt } = detail as { task?: { timestamp: number; key: string }; attempt?: number };
    const same =
      task?.key === row.key && task.timestamp === row.timestamp && (row.finished || attempt === row.attempt);
    return same && type === announcedType;
  });
}

function reasons(row: TaskRow): string {
  return row.reasons.map(({ attempt, segment, text }) => `${attempt}/${segment ?? "-"} ${text}`).join(" | ");
}
