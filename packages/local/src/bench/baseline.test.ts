import { expect, test } from "vitest";
import { findRegressions, type Result } from "./baseline.ts";
import { mixNames } from "./mixes.ts";

const measured = (cpuSeconds: number) => ({
  cpuSeconds,
  cpuSecondsRange: [cpuSeconds, cpuSeconds] as const,
  wallSeconds: 1,
  rssBytesMax: 1,
  scanSeconds: 0,
  calls: 1,
});
const stored = { "backup flat gzip-6 http": 1.5 };
const resultOf = (ratio: number, level = 6): Result => ({
  case: {
    action: "backup",
    mix: mixNames[0]!,
    compression: { format: "gzip", level },
    scheme: "http",
    pages: 1,
    fileBytes: 32 * 1024 * 1024,
    scanMs: 0,
    putMs: 0,
    slices: 1,
  },
  measured: { floor: measured(2), ferry: measured(2 * ratio) },
});

test("a ratio within the tolerance of the stored one, or a better one, is not a regression", () => {
  expect(findRegressions([resultOf(1.79), resultOf(1)], stored)).toEqual([]);
});

test("a ratio beyond the tolerance is reported with both ratios", () => {
  expect(findRegressions([resultOf(1.81)], stored)).toEqual([
    "backup flat gzip-6 http: Ferry takes 1.81 times the floor's CPU time; 1.5 is stored, and 1.80 is allowed",
  ]);
});

test("a ratio of instructions beyond the tolerance is reported", () => {
  const result = resultOf(1);
  const counted = (instructionsRatio: number) => ({
    ...result,
    measured: { ...result.measured, instructionsRatio },
  });
  const both = { ...stored, "backup flat gzip-6 http instructions": 2 };
  expect(findRegressions([counted(2.39)], both)).toEqual([]);
  expect(findRegressions([counted(2.41)], both)).toEqual([
    "backup flat gzip-6 http instructions: Ferry takes 2.41 times the floor's instructions; 2 is stored, and 2.40 is allowed",
  ]);
});

test("a case without a stored ratio is reported", () => {
  expect(findRegressions([resultOf(1, 2)], stored)).toEqual([
    "backup flat gzip-2 http: no ratio is stored; store it with --store",
  ]);
});
