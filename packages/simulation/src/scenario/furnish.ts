/**
 * What there is before anything is asked for: the tables, and the archive that a restore reads.
 */
import { backupRequest, bucket, destination, runTask, source } from "@ferry/core/testing/tasks";
import type { MemoryArchiveStore } from "../memory/archive-store.ts";
import { memoryPorts } from "../memory/ports.ts";
import type { MemoryTables } from "../memory/tables.ts";
import { itemText, keys, nameOfItem } from "./items.ts";
import { PROVISIONED_UNITS, type Scenario } from "./scenario.ts";

const PROVISIONED = { readUnits: PROVISIONED_UNITS, writeUnits: PROVISIONED_UNITS };

/** Makes tables and bucket. Returns what the restore's table holds, texts by name. */
export async function furnish(
  scenario: Scenario,
  tables: MemoryTables,
  archive: MemoryArchiveStore,
): Promise<ReadonlyMap<string, string>> {
  const spec = { keys, ...(scenario.provisioned && { provisioned: PROVISIONED }) };
  archive.createBucket(bucket);
  tables.create(source, spec);
  tables.create(destination, { ...spec, indexCount: scenario.indexCount });
  for (let n = 0; n < scenario.items; n++) tables.put(source, itemText(n, "v", scenario));
  if (scenario.kind === "restore") await makeArchive(scenario, tables, archive);
  const held = new Map<string, string>();
  const mode = scenario.restore["restore-mode"] ?? "empty-only";
  if (mode === "empty-only") return held;
  const { same, others } = scenario.held;
  for (let n = 0; n < same; n++) hold(n);
  for (let n = 0; n < others; n++) hold(scenario.items + 1000 + n);
  return held;

  function hold(n: number): void {
    const text = itemText(n, "held", scenario);
    tables.put(destination, text);
    held.set(nameOfItem(text), text);
  }
}

/** A backup on a sunny day. */
async function makeArchive(scenario: Scenario, tables: MemoryTables, archive: MemoryArchiveStore) {
  const { "read-units": _, ...asked } = scenario.backup;
  const ports = memoryPorts({ tables, archive });
  const ended = await runTask({ ...backupRequest, "total-segments": 3, ...asked }, ports);
  if (ended[0]?.type !== "TaskFinished") throw new Error("the archive to restore could not be made");
}
