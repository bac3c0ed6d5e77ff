/**
 * A task's workers together never exceed its ceiling and use most of it, with any number of segments and workers.
 */
import { describe, expect, test } from "vitest";
import { peakOf } from "./checks/ceilings.ts";
import { rngOf } from "./cloud/scheduler.ts";
import { plainControl } from "./scenario/control.ts";
import { plainData } from "./scenario/data.ts";
import { type FaultRates, noFaults } from "./scenario/fault-rates.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { scenarioOf } from "./scenario/scenario-of.ts";
import { simulateScenario } from "./simulate.ts";

const ITEMS = 600;
const ITEM_BYTES = 100;
/** About how long a task takes at its ceiling. */
const SECONDS = 60;
/** Long enough that what a segment costs beside its scan, such as its index, takes little of one worker's time. */
const SECONDS_OF_MANY_SEGMENTS = 300;
const READ_UNIT_BYTES = 8192;
const noOperations = {
  cancels: 0,
  retries: 0,
  wipes: 0,
  writes: 0,
  repeats: 0,
  prefixConflicts: 0,
  otherPrefixes: 0,
  malformedEvents: 0,
};

interface Limited {
  readonly kind: "backup" | "restore";
  /** Absent: the table is provisioned, and the request has no ceiling. */
  readonly unitsPerSecond?: number;
  readonly seconds?: number;
  readonly segments: number;
  readonly workers: number;
  readonly items?: number;
  /** With few partitions, most segments are empty. */
  readonly partitions?: number;
  /** With small pages, one worker cannot use much of the ceiling. */
  readonly pageBytes?: number;
  readonly faultRates?: Partial<FaultRates>;
}

function scenario({
  kind,
  unitsPerSecond,
  seconds = SECONDS,
  segments,
  workers,
  items = ITEMS,
  partitions = items,
  pageBytes = 1024 * 1024,
  faultRates,
}: Limited): Scenario {
  const drawn = scenarioOf(rngOf(0, 0));
  const rate = unitsPerSecond ?? 20;
  return {
    ...drawn,
    kind,
    items,
    itemBytes: ITEM_BYTES - 60,
    data: plainData,
    partitions,
    pageBytes,
    backup: {
      "total-segments": segments,
      "batch-bytes": 20_000,
      ...(kind === "backup" && unitsPerSecond !== undefined && { "read-units": unitsPerSecond }),
    },
    restore: {
      "total-segments": segments,
      ...(unitsPerSecond !== undefined && { "write-units": unitsPerSecond }),
    },
    held: { same: 0, others: 0 },
    provisioned: unitsPerSecond === undefined,
    weight: kind === "backup" ? (seconds * rate * READ_UNIT_BYTES) / (items * ITEM_BYTES) : 1,
    indexCount: kind === "restore" ? Math.round((seconds * rate) / items) : 0,
    settings: { ...drawn.settings, sliceBudgetMs: 60_000, cancelPollIntervalMs: 5000, batchSpacingMs: 0 },
    timeoutSeconds: 360,
    concurrency: workers,
    attempts: 5,
    control: plainControl,
    faultRates: { ...noFaults, ...faultRates },
    faultPhaseMs: 3_600_000,
    faultsMax: 100,
    faultCounts: { lostMessage: 0, revokedPermission: 0 },
    operations: noOperations,
  };
}

/** The highest average over ten seconds, and the average from the first call to the last, units per second. */
async function consumption(limited: Limited, seed = 1) {
  const { violations, recorder, counts } = await simulateScenario(seed, scenario(limited));
  expect(violations).toEqual([]);
  expect(counts).toMatchObject({ succeeded: 1 });
  const kind = limited.kind === "backup" ? "read" : "write";
  const calls = recorder.consumption.filter((one) => one.kind === kind);
  const units = calls.reduce((sum, one) => sum + one.units, 0);
  const seconds = (calls.at(-1)!.atMs - calls[0]!.atMs) / 1000;
  return { peak: peakOf(calls), average: units / seconds };
}

/** For a task without faults, which has work all the time. */
async function expectKeptAndUsed(limited: Limited, unitsPerSecond: number): Promise<void> {
  const { peak, average } = await consumption(limited);
  expect(peak).toBeLessThanOrEqual(unitsPerSecond);
  expect(average).toBeGreaterThanOrEqual(0.8 * unitsPerSecond);
}

// Every two of kind, ceiling and segments with workers come together.
describe.each([
  { kind: "backup", one: 3, other: 500 },
  { kind: "restore", one: 500, other: 3 },
] as const)("a ceiling of a $kind", ({ kind, one, other }) => {
  test.each([
    [one, 1, 1],
    [other, 3, 50],
    [one, 16, 4],
    [other, 64, 1],
    [one, 64, 50],
  ])(
    "of %i units a second, with %i segments and up to %i workers, is kept and used",
    async (unitsPerSecond, segments, workers) => {
      const seconds = segments > 10 * workers ? SECONDS_OF_MANY_SEGMENTS : SECONDS;
      await expectKeptAndUsed({ kind, unitsPerSecond, seconds, segments, workers }, unitsPerSecond);
    },
  );

  test("is used by the few segments that have items, if most have none", async () => {
    const seconds = 100;
    const few = { unitsPerSecond: 40, seconds, segments: 64, workers: 50, items: 1000, partitions: 2 };
    await expectKeptAndUsed({ kind, ...few }, 40);
  });

  test("is half of the table's provisioned capacity, if the request has none", async () => {
    await expectKeptAndUsed({ kind, segments: 8, workers: 8 }, 20);
  });

  // With these seeds a call whose answer is lost and not charged is noticed, and units that are used after their reservation.
  test.each([2, 4, 8])(
    "is kept with duplicates, expired visibility and crashing workers: seed %i",
    async (seed) => {
      const faultRates = {
        duplicateEvent: 0.1,
        duplicateMessage: 0.1,
        visibilityExpired: 0.02,
        crashAfter: 0.01,
        answerLost: 0.05,
        throttledRead: 0.1,
        throttledWrite: 0.1,
        unprocessed: 0.2,
      };
      // Long enough for many faults.
      const { peak } = await consumption(
        { kind, unitsPerSecond: 40, seconds: 100, items: 1000, segments: 8, workers: 20, faultRates },
        seed,
      );
      expect(peak).toBeLessThanOrEqual(40);
    },
  );
});

test("a high ceiling is used by many workers together, each of which can use little of it", async () => {
  // A page is one item, of thirty units: a worker reads a few of them in a reservation of a quarter of a second.
  const shared = { unitsPerSecond: 3000, segments: 32, workers: 32 };
  await expectKeptAndUsed({ kind: "backup", ...shared, items: 2500, seconds: 25, pageBytes: 1 }, 3000);
});

describe.each(["backup", "restore"] as const)("throttling of a %s", (kind) => {
  test("of nearly all calls slows it, and does not fail it", async () => {
    const faultRates = { throttledRead: 0.9, throttledWrite: 0.9 };
    const throttled = { ...scenario({ kind, segments: 4, workers: 4, faultRates }), provisioned: false };
    const { violations, recorder, counts } = await simulateScenario(7, throttled);
    expect(violations).toEqual([]);
    expect(counts["throttledRead"]! + (counts["throttledWrite"] ?? 0)).toBeGreaterThan(20);
    expect(counts).toMatchObject({ succeeded: 1, endRetries: 0 });
    expect(recorder.events.filter(({ "detail-type": type }) => type.endsWith("Failed"))).toEqual([]);
  });
});
