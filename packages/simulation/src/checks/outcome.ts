/**
 * The result of a run, and what was recorded of it.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import type { Simulation } from "../phases/set-up.ts";
import type { ArchiveModel } from "../scenario/archives.ts";
import { taskLabel } from "./recorder.ts";
import { taskName } from "./recount.ts";

/** A run after its last phase. */
export interface Outcome extends Simulation {
  /** The rows after the quiesce, before any task was retried. */
  readonly quiescedRows: readonly TaskRow[];
  /** The number of facts by then. */
  readonly quiescedFacts: number;
  /** When all unsuccessful tasks were first retried, and the number of events before. */
  readonly retryAllStart: { readonly atMs: number; readonly events: number };
  /** The versions of the other archive. */
  readonly otherArchiveVersions: readonly ArchiveModel[];
}

/** Whether it is a backup to a prefix that was wiped: a late worker of an earlier task may have put files there. */
export function isIntoWipedPrefix({ action, request }: TaskRow, { operations }: Outcome): boolean {
  return action === "backup" && operations.wiped.has(`${request["bucket-prefix"]}`);
}

/** Whether an actor changed its table or archive, or deleted its row. Such a task need not succeed. */
export function isDisturbed(row: TaskRow, { operations }: Outcome): boolean {
  const { "table-name": table, "bucket-prefix": prefix } = row.request;
  return [`table ${table}`, `prefix ${prefix}`, `task ${taskName(row)}`].some((one) =>
    operations.disturbed.has(one),
  );
}

/** Whether an operator deleted the task's row. If later facts made it again, it has only those. */
export function hasDeletedRow(task: Parameters<typeof taskName>[0], { operations }: Outcome): boolean {
  return operations.actors.deletedRows.has(taskName(task));
}

/** The tasks whose row an operator deleted, by `taskLabel`. */
export function tasksWithDeletedRow(outcome: Outcome): ReadonlySet<string> {
  const rows = outcome.status.rows().filter((row) => hasDeletedRow(row, outcome));
  return new Set(rows.map(taskLabel));
}
