/**
 * What takes a thread down is a violation of its seed, and no other seed's.
 */
import { describe, expect, test } from "vitest";
import { runSeeds } from "./seeds.ts";
import type { SeedResult } from "./seeds-thread.ts";

/** Long enough for a seed that does nothing, on a busy machine. */
const SEED_MS_MAX = 10_000;

/** A thread's program: `odd` is what it does with seed 1; the others pass. */
function program(odd: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage("ready");
    parentPort.on("message", async (seed) => {
      if (seed === 1) { ${odd} }
      parentPort.postMessage({ seed, violations: [], counts: { runs: 1 } });
    });`)}`,
  );
}

async function resultsOf(odd: string): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  await runSeeds({
    from: 0,
    count: 4,
    threads: 1,
    seedMsMax: SEED_MS_MAX,
    program: program(odd),
    done: (result) => results.push(result) === 0,
  });
  return results;
}

describe("a seed that takes its thread down", () => {
  test.each([
    ["throws", `throw new Error("the projector fell over");`, /^CRASHED: .*the projector fell over/],
    [
      "rejects where nobody listens",
      `Promise.reject(new Error("adrift")); await new Promise(setImmediate);`,
      /^CRASHED: .*adrift/,
    ],
    ["never gives way", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);", /^ENDLESS: /],
  ])("that %s is a violation of its own, and the others go on", async (_, odd, expected) => {
    const results = await resultsOf(odd);
    expect(results.map(({ seed }) => seed)).toEqual([0, 1, 2, 3]);
    expect(results[1]!.violations).toEqual([expect.stringMatching(expected)]);
    for (const { seed, violations, counts } of results)
      if (seed !== 1) expect({ violations, counts }).toEqual({ violations: [], counts: { runs: 1 } });
  });
});

test("a thread that cannot begin ends the run: no seed is told to have failed", async () => {
  const mutants = { from: 0, count: 4, mutantName: "no-such-mutant", threads: 2 };
  const results: SeedResult[] = [];
  await expect(runSeeds({ ...mutants, done: (result) => results.push(result) === 0 })).rejects.toThrow();
  expect(results).toEqual([]);
});

test("the run ends when its listener has heard enough", async () => {
  const seen: number[] = [];
  await runSeeds({
    from: 5,
    count: 1000,
    threads: 2,
    program: program(""),
    done: ({ seed }) => seen.push(seed) === 3,
  });
  expect(seen.length).toBe(3);
});
