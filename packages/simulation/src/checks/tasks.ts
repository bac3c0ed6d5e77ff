/**
 * Every task ends, its end is told, and what did not end well can be retried.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { intoWiped, isDisturbed, type Outcome } from "./outcome.ts";
import { announcedAs, isOver, stateOfRow } from "./projection.ts";
import { nameOf } from "./recorder.ts";
import { taskName } from "./recount.ts";

const DAY_MS = 24 * 3_600_000;

export function taskViolations(outcome: Outcome): string[] {
  const { operations, status, calmRows, recorder } = outcome;
  const rows = status.rows();
  const found: string[] = [];
  for (const row of calmRows)
    if (
      operations.actors.hastened.has(taskName(row)) &&
      mustSucceed(row, outcome) &&
      operations.lost.length === 0
    )
      if (stateOfRow(row) !== "succeeded" && outcome.scenario.control.taskTimeoutMs > DAY_MS)
        found.push(
          `SWALLOWED: ${nameOf(row)} was retried when all was calm and is ${stateOfRow(row)}: ${reasons(row)}`,
        );
  // Who loses a message altogether waits for a retry.
  if (operations.lost.length === 0)
    for (const row of calmRows)
      if (!isOver(stateOfRow(row)) && !isRefusedAgain(row, outcome))
        found.push(`HANG: ${nameOf(row)} is ${stateOfRow(row)} when all is calm`);
  for (const row of rows) {
    const state = stateOfRow(row);
    if (!isOver(state)) found.push(`HANG: ${nameOf(row)} is ${state} for ever`);
    if (announcedAs(state) !== undefined && !wasAnnounced(row, outcome))
      found.push(`UNTOLD: ${nameOf(row)} came to ${state} in attempt ${row.attempt} and nobody was told`);
    if (mustSucceed(row, outcome) && state !== "succeeded")
      found.push(`UNHEALED: ${nameOf(row)} was retried when all was calm and is ${state}: ${reasons(row)}`);
    for (const finishing of recorder.history(nameOf(row)).finishing)
      if (finishing.completed.length !== finishing.total)
        found.push(
          `EARLY: ${nameOf(row)} is finishing with ${finishing.completed.length} of ${finishing.total} segments`,
        );
  }
  return found;
}

/** Where an operator deleted its row, a duplicate of the request ends the task; one that is rejected leaves it to a retry. */
function isRefusedAgain(row: TaskRow, { operations }: Outcome): boolean {
  return row.rejected && operations.actors.deletedRows.has(taskName(row));
}

/** An accepted task; but nothing is sealed over files of another, nor restored from a broken archive. */
function mustSucceed(row: TaskRow, outcome: Outcome): boolean {
  const { fault } = outcome.scenario.data.source;
  // A stage that reads no large files reads none of a backup's own, either.
  const isBroken = row.action === "restore" ? fault !== undefined : fault === "larger than allowed";
  return (
    row.accepted &&
    !isBroken &&
    !isMissingDeleted(row, outcome) &&
    !isDisplaced(row, outcome) &&
    !intoWiped(row, outcome) &&
    !isDisturbed(row, outcome)
  );
}

/** Items that an application deleted while a restore ran look to it as if they had never been written. */
function isMissingDeleted(row: TaskRow, { operations }: Outcome): boolean {
  const written = operations.after.get(String(row.request["table-name"]));
  const isDeleted = [...(written?.values() ?? [])].some(({ text }) => text === undefined);
  return isDeleted && row.reasons.some(({ text }) => text.startsWith("items-missing"));
}

/** A retry that needs the table to itself is refused where another restore had the table since. */
function isDisplaced(row: TaskRow, { status }: Outcome): boolean {
  if (row.action !== "restore" || (row.request["restore-mode"] ?? "empty-only") !== "empty-only")
    return false;
  const isRival = (one: TaskRow) =>
    one !== row &&
    one.action === "restore" &&
    one.accepted &&
    one.request["table-name"] === row.request["table-name"];
  return status.rows().some(isRival);
}

/** A success once, whatever attempts are heard of later; else each attempt's end. */
function wasAnnounced(row: TaskRow, { recorder }: Outcome): boolean {
  return recorder.events.some(({ "detail-type": type, detail }) => {
    const { task, attempt } = detail as { task?: { timestamp: number; key: string }; attempt?: number };
    const same =
      task?.key === row.key && task.timestamp === row.timestamp && (row.finished || attempt === row.attempt);
    return same && type === announcedAs(stateOfRow(row));
  });
}

function reasons(row: TaskRow): string {
  return row.reasons.map(({ attempt, segment, text }) => `${attempt}/${segment ?? "-"} ${text}`).join(" | ");
}
