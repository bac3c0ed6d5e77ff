import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { suites } from "./suites.ts";

/** The root of the sandbox: Stryker copies the repository, including this file, and mutates the copy. */
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs small test files first: they kill most mutants, and then the large files need not run. */
class SmallFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const sizeBytes = (file: TestSpecification) => statSync(file.moduleId).size;
    return files.toSorted((a, b) => sizeBytes(a) - sizeBytes(b));
  }
}

export default defineConfig({
  root,
  // node_modules, with its @ferry links, is that of the repository: without this alias, tests would load unmutated code.
  resolve: { alias: [{ find: /^@ferry\/([^/]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` }] },
  test: {
    include:
      process.env["FERRY_MUTATION_TESTS"]?.split(",") ??
      suites[process.env["FERRY_MUTATED_PACKAGE"] ?? "core"]!.tests,
    setupFiles: [".ci/mutation/fast-check.ts"],
    sequence: { sequencer: SmallFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
