/**
 * Some hundred seeds have no violation; the long run is `npm run simulate -- --seeds 10000`.
 */
import { describe, expect, test } from "vitest";
import { ratedFaultNames } from "./scenario/fault-rates.ts";
import { simulate } from "./simulate.ts";

const SEEDS = 120;
const SEEDS_PER_TEST = 30;

describe("whole tasks", () => {
  const sums: Record<string, number> = {};

  test.each(Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, n) => n * SEEDS_PER_TEST))(
    `have no violation in ${SEEDS_PER_TEST} seeds from %i`,
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_TEST; seed++) {
        const { violations, counts } = await simulate(seed);
        expect(violations, `npm run simulate -- --seed ${seed}`).toEqual([]);
        for (const [name, times] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + times;
      }
    },
  );

  test("have every fault in some seed, and most accepted tasks succeed", () => {
    for (const fault of ratedFaultNames) expect(sums[fault], fault).toBeGreaterThan(0);
    const { tasks = 0, rejected = 0, succeeded } = sums;
    // Malformed requests, broken archives and leased tables are rejected on purpose.
    expect(rejected).toBeLessThan(0.5 * tasks);
    expect(succeeded).toBeGreaterThan(0.7 * (tasks - rejected));
  });
});

test("two runs of a seed have the same result and trace", async () => {
  for (const seed of [3, 7, 21]) {
    const first = await traced(seed);
    expect(first.lines.length).toBeGreaterThan(20);
    expect(await traced(seed)).toEqual(first);
  }
});

async function traced(seed: number) {
  const lines: string[] = [];
  const run = await simulate(seed, { onLine: (line) => lines.push(line) });
  return { ...run, lines };
}
