/** The files of a package that are mutated, and the tests that must fail. */
interface Suite {
  readonly sources: string[];
  readonly tests: string[];
  /** The lowest score of the whole package, percent. A run with a lower one fails. */
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
  // The Lambda handlers are not mutated: the simulation and the end-to-end tests cover them.
  aws: {
    sources: ["packages/aws/src/{*,dynamodb/*,http/*,status/*,worker-table/*}.ts", "!**/*.test.ts"],
    tests: [
      "packages/aws/src/**/*.test.ts",
      "packages/emulator/src/engines/engines.contract.test.ts",
      "packages/emulator/src/eventbridge/bus.contract.test.ts",
    ],
  },
};
