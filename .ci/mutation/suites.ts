/** What is mutated in a package, and the tests that must notice. */
interface Suite {
  readonly sources: string[];
  readonly tests: string[];
  /** A run of the whole package with a lower score, percent, fails. */
  readonly leastScore?: number;
}

export const suites: Record<string, Suite> = {
  core: {
    sources: ["packages/core/src/**/*.ts", "!**/*.test.ts", "!packages/core/src/testing/**"],
    tests: [
      "packages/core/src/**/*.test.ts",
      "packages/contracts/src/memory.contract.test.ts",
      "packages/simulation/src/cloud/router.test.ts",
      "packages/simulation/src/whole-tasks/*.test.ts",
    ],
    leastScore: 93,
  },
  // The Lambda handlers are left to the simulation and the end-to-end tests.
  aws: {
    sources: ["packages/aws/src/*.ts", "!**/*.test.ts"],
    tests: [
      "packages/aws/src/**/*.test.ts",
      "packages/emulator/src/engines/engines.contract.test.ts",
      "packages/emulator/src/eventbridge/bus.contract.test.ts",
    ],
  },
};
