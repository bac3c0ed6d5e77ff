/**
 * What a run left behind, and what was seen of it.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { StatusTables } from "@ferry/memory/status-store";
import type { MemoryTables } from "@ferry/memory/tables";
import type { ArchiveModel } from "../scenario/archives.ts";
import type { Furnished } from "../scenario/furnish.ts";
import type { Items } from "../scenario/items.ts";
import type { People } from "../scenario/people.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { taskName } from "./recount.ts";
import { nameOf, type Witness } from "./witness.ts";

/** A table, texts by name, as it was at `atMs`; the step that came to it began at `fromMs`. */
export interface Snapshot {
  readonly there: ReadonlyMap<string, string>;
  readonly fromMs: number;
  readonly atMs: number;
}

/** A run, at rest. */
export interface Outcome extends Furnished {
  readonly scenario: Scenario;
  readonly people: People;
  readonly items: Items;
  readonly witness: Witness;
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
export function intoWiped({ action, request }: TaskRow, { people }: Outcome): boolean {
  return action === "backup" && people.wiped.has(`${request["bucket-prefix"]}`);
}

/** Whether others changed its table or archive, or deleted its row: then it need not succeed. */
export function isDisturbed(row: TaskRow, { people }: Outcome): boolean {
  const { action, key, timestamp, request } = row;
  return [
    `table ${request["table-name"]}`,
    `prefix ${request["bucket-prefix"]}`,
    `task ${action} ${key}@${timestamp}`,
  ].some((one) => people.disturbed.has(one));
}

/** By `nameOf`: the tasks whose row an operator deleted. */
export function forgottenTasks({ status, people }: Outcome): ReadonlySet<string> {
  const rows = status.rows().filter((row) => people.actors.deletedRows.has(taskName(row)));
  return new Set(rows.map(nameOf));
}
