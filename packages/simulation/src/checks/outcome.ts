/**
 * What a run left behind, and what was seen of it.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import type { ArchiveModel } from "../scenario/archives.ts";
import type { Fixtures } from "../scenario/fixtures.ts";
import type { Items } from "../scenario/items.ts";
import type { Operations } from "../scenario/operations.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { nameOf, type Recorder } from "./recorder.ts";
import { taskName } from "./recount.ts";

/** A table, texts by name, as it was at `atMs`; the step that came to it began at `fromMs`. */
export interface Snapshot {
  readonly there: ReadonlyMap<string, string>;
  readonly fromMs: number;
  readonly atMs: number;
}

/** A run, at rest. */
export interface Outcome extends Fixtures {
  readonly scenario: Scenario;
  readonly operations: Operations;
  readonly items: Items;
  readonly recorder: Recorder;
  readonly archive: MemoryArchiveStore;
  readonly tables: MemoryTables;
  readonly status: StatusTables;
  /** The rows when the faults had stopped, before anything was retried. */
  readonly calmRows: readonly TaskRow[];
  /** How many facts there were by then. */
  readonly calmFacts: number;
  /** When what did not succeed was first retried, and how many events there were before. */
  /** By task (see `taskName`): its restore's table when the task was first said to be finished. */
  readonly finished: ReadonlyMap<string, Snapshot>;
  /** What the other archive ever held. */
  readonly otherVersions: readonly ArchiveModel[];
  readonly healing: { readonly atMs: number; readonly events: number };
}

/** Whether it is a backup to a prefix that someone wiped: a worker of a task before it may put its file there since. */
export function intoWiped({ action, request }: TaskRow, { operations }: Outcome): boolean {
  return action === "backup" && operations.wiped.has(`${request["bucket-prefix"]}`);
}

/** Whether others changed its table or archive, or deleted its row: then it need not succeed. */
export function isDisturbed(row: TaskRow, { operations }: Outcome): boolean {
  const { action, key, timestamp, request } = row;
  return [
    `table ${request["table-name"]}`,
    `prefix ${request["bucket-prefix"]}`,
    `task ${action} ${key}@${timestamp}`,
  ].some((one) => operations.disturbed.has(one));
}

/** By `nameOf`: the tasks whose row an operator deleted. */
export function forgottenTasks({ status, operations }: Outcome): ReadonlySet<string> {
  const rows = status.rows().filter((row) => operations.actors.deletedRows.has(taskName(row)));
  return new Set(rows.map(nameOf));
}
