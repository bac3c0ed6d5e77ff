/**
 * What a run left behind, and what was seen of it.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import type { MemoryArchiveStore } from "../memory/archive-store.ts";
import type { StatusTables } from "../memory/status-store.ts";
import type { MemoryTables } from "../memory/tables.ts";
import type { Furnished } from "../scenario/furnish.ts";
import type { Items } from "../scenario/items.ts";
import type { People } from "../scenario/people.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Witness } from "./witness.ts";

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
  readonly healing: { readonly atMs: number; readonly events: number };
}

/** Whether it is a backup to a prefix that someone wiped: a worker of a task before it may put its file there since. */
export function intoWiped({ action, request }: TaskRow, { people }: Outcome): boolean {
  return action === "backup" && people.wiped.has(`${request["bucket-prefix"]}`);
}
