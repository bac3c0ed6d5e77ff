import { fileURLToPath } from "node:url";
import type { PartialStrykerOptions } from "@stryker-mutator/api/core";

const leastScore = process.env["FERRY_MUTATION_LEAST_SCORE"];

export default {
  testRunner: "vitest",
  vitest: { configFile: ".ci/mutation/vitest.config.ts" },
  plugins: ["@stryker-mutator/vitest-runner", fileURLToPath(new URL("ignore-sentences.ts", import.meta.url))],
  ignorers: ["sentences"],
  concurrency: 2,
  thresholds: { high: 95, low: 90, break: leastScore === undefined ? null : Number(leastScore) },
  // Long, because a mutant that is only slow on a busy machine would count as killed.
  timeoutMS: 10_000,
  // This file does not exist, so that Stryker does not rewrite it with TypeScript's JavaScript API, which version 7 lacks.
  tsconfigFile: "none",
  tempDirName: ".ferry/mutation/sandbox",
  ignorePatterns: [".ferry", ".sst", "docs"],
  reporters: ["clear-text", "progress", "json", "html"],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  jsonReporter: { fileName: ".ferry/mutation/report.json" },
  htmlReporter: { fileName: ".ferry/mutation/report.html" },
} satisfies PartialStrykerOptions;
