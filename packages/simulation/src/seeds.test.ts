/**
 * A seed that crashes its thread has a violation; the other seeds are not affected.
 */
import { describe, expect, test } from "vitest";
import { runSeeds, seedsFrom } from "./seeds.ts";
import type { SeedResult } from "./seeds-thread.ts";

/** A thread's program. It runs `fault` for seed 1; the other seeds pass. */
function program(fault: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage("ready");
    parentPort.on("message", async ({ seed }) => {
      if (seed === 1) { ${fault} }
      parentPort.postMessage({ seed, violations: [], counts: { runs: 1 } });
    });`)}`,
  );
}

/** `seedMsMaxOf`: the seeds' time limits. */
async function resultsOf(fault: string, seedMsMaxOf: (seed: number) => number): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  await runSeeds({
    runs: seedsFrom(0, 4),
    threads: 1,
    seedMsMaxOf,
    program: program(fault),
    done: (result) => results.push(result) === 0,
  });
  return results;
}

describe("a seed", () => {
  test.each([
    ["that throws", `throw new Error("the projector crashed");`, /^CRASHED: .*the projector crashed/],
    [
      "with an unhandled rejection",
      `Promise.reject(new Error("unhandled")); await new Promise(setImmediate);`,
      /^CRASHED: .*unhandled/,
    ],
    // It never answers, so its limit may be short; that of the others is never reached.
    ["that never yields", "for (;;);", /^ENDLESS: /, 100],
  ])("%s has a violation, and the other seeds continue", async (_, fault, expected, msMax = 600_000) => {
    const results = await resultsOf(fault, (seed) => (seed === 1 ? msMax : 600_000));
    expect(results.map(({ seed }) => seed)).toEqual([0, 1, 2, 3]);
    expect(results[1]!.violations).toEqual([expect.stringMatching(expected)]);
    for (const { seed, violations, counts } of results)
      if (seed !== 1) expect({ violations, counts }).toEqual({ violations: [], counts: { runs: 1 } });
  });
});

test("a simulation that cannot be loaded ends the run without results", async () => {
  const runs = seedsFrom(0, 4, "no-such-mutant");
  const results: SeedResult[] = [];
  const done = (result: SeedResult) => results.push(result) === 0;
  await expect(runSeeds({ runs, threads: 2, done })).rejects.toThrow("no-such-mutant");
  expect(results).toEqual([]);
});

test("the run ends when `done` returns true", async () => {
  const seen: number[] = [];
  await runSeeds({
    runs: seedsFrom(5, 1000),
    threads: 2,
    program: program(""),
    done: ({ seed }) => seen.push(seed) === 3,
  });
  expect(seen.length).toBe(3);
});
