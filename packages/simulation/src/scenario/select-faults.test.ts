import { describe, expect, test } from "vitest";
import { rngOf } from "../cloud/scheduler.ts";
import { simulate } from "../simulate.ts";
import { ratedFaultNames } from "./fault-rates.ts";
import { scenarioOf } from "./scenario-of.ts";
import { selectFaults } from "./select-faults.ts";

/** A seed in which several faults happen, among them the one that the tests switch off. */
const SEED = 59;
const FAULT = "crashBeforeEvents";
/** A seed in which permissions are revoked. */
const REVOKED_SEED = 16;

async function traced(options: Parameters<typeof simulate>[1] = {}) {
  const lines: string[] = [];
  const { counts } = await simulate(SEED, { ...options, onLine: (line) => lines.push(line) });
  return { counts, lines: lines.slice(1) };
}

describe("without a fault", () => {
  test("its rate is 0 and the rest of the scenario is unchanged", () => {
    const scenario = scenarioOf(rngOf(SEED, 0));
    const { drawn, ...selected } = selectFaults(scenario, { without: [FAULT, "lostMessage"] });
    expect(drawn).toEqual({ faultRates: scenario.faultRates, faultCounts: scenario.faultCounts });
    expect(scenario.faultRates[FAULT]).toBeGreaterThan(0);
    expect(selected).toEqual({
      ...scenario,
      faultRates: { ...scenario.faultRates, [FAULT]: 0 },
      faultCounts: { ...scenario.faultCounts, lostMessage: 0 },
    });
  });

  test("the fault never happens, and the run is identical until it would have happened", async () => {
    const full = await traced();
    const { counts, lines } = await traced({ faults: { without: [FAULT] } });
    expect(full.counts[FAULT]).toBeGreaterThan(0);
    expect(counts[FAULT]).toBeUndefined();
    // Another fault may let a worker die at the same call: only the first difference shows this one.
    const first = full.lines.findIndex((line, i) => line !== lines[i]);
    expect(first).toBeGreaterThan(10);
    expect(full.lines[first]).toMatch(/bus\.PutEvents .*DIES BEFORE/);
  });
});

test("with one fault only, no other fault happens", async () => {
  const { counts } = await traced({ faults: { only: [FAULT] } });
  expect(counts[FAULT]).toBeGreaterThan(0);
  expect(ratedFaultNames.filter((name) => name !== FAULT && counts[name] !== undefined)).toEqual([]);
});

test("without a counted fault, it does not happen", async () => {
  const isRevoked = async (options: Parameters<typeof simulate>[1] = {}) => {
    const lines: string[] = [];
    await simulate(REVOKED_SEED, { ...options, onLine: (line) => lines.push(line) });
    return lines.some((line) => line.endsWith("the permissions are revoked"));
  };
  expect(await isRevoked()).toBe(true);
  expect(await isRevoked({ faults: { without: ["revokedPermission"] } })).toBe(false);
});
