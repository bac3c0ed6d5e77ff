/**
 * The stored ratios of `--check`: Ferry's CPU time relative to the floor's. Ratios depend little on the machine.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type Case, caseName } from "./fixture.ts";
import type { CaseResult } from "./measure.ts";

export interface Result {
  readonly case: Case;
  readonly measured: CaseResult;
}

/** How much worse than the stored one a ratio may be: medians of one machine differ by up to a tenth. */
export const TOLERANCE = 0.2;

const file = new URL("./baseline.json", import.meta.url);

export function ratioOf({ measured: { floor, ferry } }: Result): number {
  return ferry.cpuSeconds / floor.cpuSeconds;
}

/** Stores the ratios; those of other cases remain. */
export function storeRatios(results: readonly Result[]): void {
  const measured = results.flatMap(ratiosOf).map(({ name, ratio }) => [name, Number(ratio.toFixed(2))]);
  const ratios = { ...storedRatios(), ...Object.fromEntries(measured) };
  writeFileSync(file, `${JSON.stringify(ratios, Object.keys(ratios).sort(), 2)}\n`);
}

/** A line for each ratio that is too much worse than the stored one, or that has no stored one. */
export function findRegressions(results: readonly Result[], stored = storedRatios()): string[] {
  return results.flatMap(ratiosOf).flatMap(({ name, what, ratio }) => {
    const before = stored[name];
    if (before === undefined) return [`${name}: no ratio is stored; store it with --store`];
    if (ratio <= before * (1 + TOLERANCE)) return [];
    return [
      `${name}: Ferry takes ${ratio.toFixed(2)} times the floor's ${what}; ${before} is stored, and ${(before * (1 + TOLERANCE)).toFixed(2)} is allowed`,
    ];
  });
}

/** The ratios of a result that are stored, with their names. */
function ratiosOf(result: Result): { name: string; what: string; ratio: number }[] {
  const name = caseName(result.case);
  const { instructionsRatio } = result.measured;
  return [
    { name, what: "CPU time", ratio: ratioOf(result) },
    ...(instructionsRatio === undefined
      ? []
      : [{ name: `${name} instructions`, what: "instructions", ratio: instructionsRatio }]),
  ];
}

function storedRatios(): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
}
