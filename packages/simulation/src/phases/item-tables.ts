/**
 * The tables of items of a run, in memory, with the faults that happen inside them.
 */
import { type MemoryTables, memoryTables } from "@ferry/memory/tables";
import type { ItemTables } from "../cloud/dynamodb/item-tables.ts";
import type { Faults } from "../cloud/faults.ts";
import type { Rng, Scheduler } from "../cloud/scheduler.ts";
import type { Scenario } from "../scenario/scenario.ts";

/** A backup plans one segment for so much of a table. */
const SEGMENT_BYTES = 4 * 1024 ** 3;

export function createItemTables(
  scenario: Scenario,
  around: {
    readonly scheduler: Scheduler;
    readonly rng: Rng;
    readonly faults: Faults;
    readonly isSetUp: () => boolean;
  },
): MemoryTables {
  const { scheduler, rng, faults, isSetUp } = around;
  return memoryTables({
    pageBytes: scenario.pageBytes,
    layout: rng.random,
    ...(scenario.data.stalenessMs > 0 && {
      staleness: {
        // The fixtures are old enough that no read misses them.
        now: () => (isSetUp() ? scheduler.now() : 0),
        msMax: scenario.data.stalenessMs,
        random: rng.random,
      },
    }),
    weight: scenario.weight,
    faults: {
      scan: () => (faults.occurs("shortPage") ? { itemsMax: rng.between(0, 2) } : undefined),
      write: (_, writes) =>
        faults.occurs("unprocessed") ? { unprocessed: rng.between(1, writes.length) } : undefined,
    },
  });
}

/** The tables; if the scenario's table grows, each description has another size. */
export function withGrowingSize(tables: MemoryTables, scenario: Scenario, rng: Rng): ItemTables {
  return {
    ...tables,
    async describe(table) {
      const described = await tables.describe(table);
      return scenario.grows
        ? { ...described, sizeBytes: Math.floor(rng.between(1, 6) * SEGMENT_BYTES) }
        : described;
    },
  };
}
