/**
 * Twenty-four seeds have no violation. The nightly workflow runs 5,000 others: `npm run simulate -- --seeds 5000 --from N`.
 */
import { callsOf, portMethods } from "@ferry/contracts/permissions/port-methods";
import { describe, expect, test } from "vitest";
import { rngOf } from "./cloud/scheduler.ts";
import { ratedFaultNames } from "./scenario/fault-rates.ts";
import { scenarioOf } from "./scenario/scenario-of.ts";
import { simulate, simulateScenario } from "./simulate.ts";

const SEEDS = 24;
const SEEDS_PER_TEST = 12;
/** The first of them: these seeds call every method of the ports and have every fault. */
const FROM = 97;

describe("whole tasks", () => {
  const sums: Record<string, number> = {};
  const portCalls = new Set<string>();

  test.each(Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, n) => FROM + n * SEEDS_PER_TEST))(
    `have no violation in ${SEEDS_PER_TEST} seeds from %i`,
    async (from) => {
      for (let seed = from; seed < from + SEEDS_PER_TEST; seed++) {
        const { violations, counts, recorder } = await simulateScenario(seed, scenarioOf(rngOf(seed, 0)));
        for (const call of recorder.portCalls) portCalls.add(call);
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

  // A call that is not listed would be refused on AWS; a listed one that the code no longer makes keeps its permission.
  test("call exactly the methods of ports for which each function has its permissions", () => {
    expect([...portCalls].sort()).toEqual(callsOf(portMethods));
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
