/**
 * What a run left behind, and what was seen of it.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import type { Chance } from "../cloud/scheduler.ts";
import type { MemoryArchiveStore } from "../memory/archive-store.ts";
import type { MemoryStatusStore } from "../memory/status-store.ts";
import type { MemoryTables } from "../memory/tables.ts";
import type { People } from "../scenario/people.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Witness } from "./witness.ts";

/** A run, at rest. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly people: People;
  /** What the restore's table held before, texts by name. */
  readonly before: ReadonlyMap<string, string>;
  readonly witness: Witness;
  readonly archive: MemoryArchiveStore;
  readonly tables: MemoryTables;
  readonly status: MemoryStatusStore;
  /** The rows when the faults had stopped, before anything was retried. */
  readonly calmRows: readonly TaskRow[];
  readonly chance: Chance;
}
