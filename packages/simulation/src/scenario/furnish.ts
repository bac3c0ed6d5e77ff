/**
 * What there is before anything is asked for: the tables, and the archive that a restore reads.
 */
import { bucket, destination, source } from "@ferry/core/testing/tasks";
import type { Chance } from "../cloud/scheduler.ts";
import type { MemoryArchiveStore } from "../memory/archive-store.ts";
import type { MemoryTables } from "../memory/tables.ts";
import { type ArchiveModel, makeArchive } from "./archives.ts";
import { BUCKET_OWNER } from "./control.ts";
import { destinationKeys } from "./data.ts";
import type { Items } from "./items.ts";
import { PROVISIONED_UNITS, type Scenario } from "./scenario.ts";

const PROVISIONED = { readUnits: PROVISIONED_UNITS, writeUnits: PROVISIONED_UNITS };

/** What there was before anything was asked for. */
export interface Furnished {
  /** What the restore's table held, texts by name. */
  readonly before: ReadonlyMap<string, string>;
  /** The archive of a restore without a backup. */
  readonly source: ArchiveModel | undefined;
}

/** Makes tables, bucket and archive. */
export function furnish(
  scenario: Scenario,
  items: Items,
  tables: MemoryTables,
  archive: MemoryArchiveStore,
  chance: Chance,
): Furnished {
  const spec = { keys: scenario.data.keys, ...(scenario.provisioned && { provisioned: PROVISIONED }) };
  archive.createBucket({ ...bucket, owner: BUCKET_OWNER });
  tables.create(source, spec);
  tables.create(destination, {
    ...spec,
    keys: destinationKeys(scenario.data),
    indexCount: scenario.indexCount,
  });
  const texts = Array.from({ length: scenario.items }, (_, n) => items.text(n, "v"));
  tables.put(source, ...texts);
  const model =
    scenario.kind === "restore" ? makeArchive(scenario, items, archive, texts, chance) : undefined;
  const held = new Map<string, string>();
  const mode = scenario.restore["restore-mode"] ?? "empty-only";
  if (mode === "empty-only") return { before: held, source: model };
  const { same, others } = scenario.held;
  for (let n = 0; n < same; n++) hold(n);
  for (let n = 0; n < others; n++) hold(scenario.items + 1000 + n);
  return { before: held, source: model };

  function hold(n: number): void {
    const text = items.text(n, "held");
    tables.put(destination, text);
    held.set(items.nameOf(text), text);
  }
}
