/**
 * What exists before the first request: the tables, and the archive that a restore reads.
 */
import type { TableAddress } from "@ferry/core/request/addresses";
import type { MemoryArchiveStore } from "@ferry/memory/archive-store";
import type { MemoryTables, TableSpec } from "@ferry/memory/tables";
import { bucket, destination, source } from "@ferry/memory/testing/tasks";
import type { Rng } from "../cloud/scheduler.ts";
import { type ArchiveModel, makeArchive } from "./archives.ts";
import { BUCKET_OWNER, DESTINATIONS_MAX } from "./control.ts";
import { destinationKeys } from "./data.ts";
import type { Items } from "./items.ts";
import type { OtherArchive } from "./other-archive.ts";
import { PROVISIONED, type Scenario } from "./scenario.ts";
import { sourceSettings } from "./source-settings.ts";

/** What existed before the first request. */
export interface Fixtures {
  /** The items of the restore's table, texts by name. */
  readonly before: ReadonlyMap<string, string>;
  /** The archive, if the scenario is a restore without a backup. */
  readonly source: ArchiveModel | undefined;
}

/** The destinations of a run's restores, the first restore's first. */
export const destinations: readonly TableAddress[] = Array.from({ length: DESTINATIONS_MAX }, (_, n) =>
  n === 0 ? destination : { ...destination, name: `${destination.name}-${n + 1}` },
);

/** How a table is created. */
export function tableSpec(scenario: Scenario, table: TableAddress): TableSpec {
  const isSource = table.name === source.name;
  return {
    keys: isSource ? scenario.data.keys : destinationKeys(scenario.data),
    ...(scenario.provisioned && { provisioned: PROVISIONED }),
    ...(isSource ? { settings: sourceSettings(scenario) } : { indexCount: scenario.indexCount }),
  };
}

/** Creates tables, bucket and archives. */
export function createFixtures(
  scenario: Scenario,
  items: Items,
  tables: MemoryTables,
  archive: MemoryArchiveStore,
  otherArchive: OtherArchive,
  rng: Rng,
): Fixtures {
  archive.createBucket({ ...bucket, owner: BUCKET_OWNER });
  const existing = destinations.filter((table) => table !== destination || scenario.newTable !== "absent");
  for (const table of [source, ...existing]) tables.create(table, tableSpec(scenario, table));
  const texts = Array.from({ length: scenario.items }, (_, n) => items.text(n, "v"));
  tables.put(source, ...texts);
  const model = scenario.kind === "restore" ? makeArchive(scenario, items, archive, texts, rng) : undefined;
  const otherTexts = texts.flatMap((_, n) => (n % 3 === 0 ? [] : [items.text(n, "other")]));
  if (scenario.control.copies.some((copy) => copy.archive === "other")) otherArchive.make(otherTexts, rng);
  const held = new Map<string, string>();
  if (scenario.newTable === "foreign") hold(0);
  if (scenario.newTable !== undefined) return { before: held, source: model };
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
