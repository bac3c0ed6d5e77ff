/**
 * Every request is answered, every task ends, its end is told, and what did not end well can be retried.
 */
import { announcementOf, isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { identify } from "@ferry/core/task";
import { intoWiped, type Outcome } from "./outcome.ts";
import { nameOf } from "./witness.ts";

export function taskViolations(outcome: Outcome): string[] {
  const { people, status, calmRows, witness } = outcome;
  const rows = status.rows();
  const found: string[] = [];
  for (const { id, time, detail } of people.requests) {
    const { task } = identify(detail, { id, time });
    if (!rows.some((row) => row.key === task?.key && row.timestamp === task.timestamp))
      found.push(`SILENT: nothing was ever said of request ${id}`);
  }
  // Who loses a message altogether waits for a retry.
  if (people.lost.length === 0)
    for (const row of calmRows)
      if (!isEnded(stateOf(row))) found.push(`HANG: ${nameOf(row)} is ${stateOf(row)} when all is calm`);
  for (const row of rows) {
    const state = stateOf(row);
    if (!isEnded(state)) found.push(`HANG: ${nameOf(row)} is ${state} for ever`);
    if (announcementOf(state) !== undefined && !wasAnnounced(row, outcome))
      found.push(`UNTOLD: ${nameOf(row)} came to ${state} in attempt ${row.attempt} and nobody was told`);
    if (mustSucceed(row, outcome) && state !== "succeeded")
      found.push(`UNHEALED: ${nameOf(row)} was retried when all was calm and is ${state}: ${reasons(row)}`);
    for (const finishing of witness.history(nameOf(row)).finishing)
      if (finishing.completed.length !== finishing.total)
        found.push(
          `EARLY: ${nameOf(row)} is finishing with ${finishing.completed.length} of ${finishing.total} segments`,
        );
  }
  return found;
}

/** An accepted task; but nothing is sealed over files of another. */
function mustSucceed(row: TaskRow, outcome: Outcome): boolean {
  return row.accepted && !intoWiped(row, outcome);
}

/** A success once, whatever attempts are heard of later; else each attempt's end. */
function wasAnnounced(row: TaskRow, { witness }: Outcome): boolean {
  return witness.events.some(({ "detail-type": type, detail }) => {
    const { task, attempt } = detail as { task?: { timestamp: number; key: string }; attempt?: number };
    const same =
      task?.key === row.key && task.timestamp === row.timestamp && (row.finished || attempt === row.attempt);
    return same && type === announcementOf(stateOf(row));
  });
}

function reasons(row: TaskRow): string {
  return row.reasons.map(({ attempt, segment, text }) => `${attempt}/${segment ?? "-"} ${text}`).join(" | ");
}
