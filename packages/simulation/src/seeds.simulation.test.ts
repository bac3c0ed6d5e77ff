/**
 * Some hundred seeds hold; the long run is `npm run simulate -- --seeds 10000`.
 */
import { describe, expect, test } from "vitest";
import { faultNames } from "./scenario/fault-rates.ts";
import { simulate } from "./simulate.ts";

const SEEDS = 120;
const SEEDS_PER_TEST = 30;

describe("whole tasks lose nothing, end and say so", () => {
  const sums: Record<string, number> = {};

  test.each(Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, n) => n * SEEDS_PER_TEST))(
    `seeds from %i on, ${SEEDS_PER_TEST} of them`,
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_TEST; seed++) {
        const { violations, counts } = await simulate(seed);
        expect(violations, `npm run simulate -- --seed ${seed}`).toEqual([]);
        for (const [name, times] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + times;
      }
    },
  );

  test("and every fault happened, and most accepted tasks succeeded all the same", () => {
    for (const fault of faultNames) expect(sums[fault], fault).toBeGreaterThan(0);
    const { tasks = 0, rejected = 0, succeeded } = sums;
    // Malformed requests, broken archives and tables that are leased are rejected on purpose.
    expect(rejected).toBeLessThan(0.5 * tasks);
    expect(succeeded).toBeGreaterThan(0.7 * (tasks - rejected));
  });
});

test("two runs of a seed are identical, and tell the same", async () => {
  for (const seed of [3, 7, 21]) {
    const first = await told(seed);
    expect(first.lines.length).toBeGreaterThan(20);
    expect(await told(seed)).toEqual(first);
  }
});

async function told(seed: number) {
  const lines: string[] = [];
  const run = await simulate(seed, { tell: (line) => lines.push(line) });
  return { ...run, lines };
}
