/**
 * Whole tasks under faults. One seed of one scenario again: `SEED=17 npx vitest run whole-task -t "a cancel"`.
 */
import { stateOf } from "@ferry/core/projection/status";
import { describe, expect, test } from "vitest";
import { faultsOf } from "./whole-task/checks.ts";
import { run, scenarios } from "./whole-task/run.ts";

const SEEDS = 60;
const seeds =
  process.env["SEED"] === undefined
    ? Array.from({ length: SEEDS }, (_, seed) => seed)
    : [Number(process.env["SEED"])];

describe("whole tasks end, lose nothing and say so", () => {
  test.each(Object.entries(scenarios))("%s", { timeout: 60_000 }, async (name, scenario) => {
    const ends = new Set<string>();
    for (const seed of seeds) {
      const outcome = await run(scenario, seed);
      expect(await faultsOf(outcome), `SEED=${seed}`).toEqual([]);
      for (const row of outcome.rows) ends.add(stateOf(row));
    }
    // Faults that let nothing succeed would prove nothing.
    if (seeds.length > 1) expect(ends).toContain(name === "an unknown action" ? "rejected" : "succeeded");
  });
});
