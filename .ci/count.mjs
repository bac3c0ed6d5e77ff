// Prints the last line of .ci/run from vitest's report. A run that failed without a failed test (for instance, a file that
// could not be loaded) counts as one failure.
import { readFileSync } from "node:fs";

const [path, status] = process.argv.slice(2);
const {
  numPassedTests = 0,
  numFailedTests = 0,
  numPendingTests = 0,
} = JSON.parse(readFileSync(path, "utf8") || "{}");
const failed = status !== "0" && numFailedTests === 0 ? 1 : numFailedTests;
console.log(`${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped`);
