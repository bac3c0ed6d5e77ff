import { engineReport } from "@ferry/contracts/report";
import { defineConfig } from "vitest/config";

/**
 * unit: pure, beside the source. contract: one suite per port, on every engine that has it. simulation: whole tasks
 * under faults. e2e: the local host. infra: the synthesized stack.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts"],
          exclude: ["**/*.contract.test.ts", "**/*.e2e.test.ts", "**/*.simulation.test.ts"],
        },
      },
      {
        plugins: [engineReport()],
        test: {
          name: "contract",
          include: ["packages/*/src/**/*.contract.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["packages/*/src/**/*.simulation.test.ts"],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["packages/*/src/**/*.e2e.test.ts"],
          // Workers that fail on purpose say so; the tests look at what the operator sees.
          env: { POWERTOOLS_LOG_LEVEL: "SILENT" },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "infra",
          include: ["stacks/**/*.test.ts"],
          globalSetup: ["stacks/graph/testing/synthesize.ts"],
          testTimeout: 300_000,
        },
      },
    ],
  },
});
