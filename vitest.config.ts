import { engineReport } from "@ferry/contracts/report";
import { defineConfig } from "vitest/config";

/** Generous: on a busy machine a test may take many times as long. Only what hangs comes to a limit. */
const limits = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 300_000, interval: 20 } },
};

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
          ...limits,
        },
      },
      {
        plugins: [engineReport()],
        test: {
          name: "contract",
          include: ["packages/*/src/**/*.contract.test.ts"],
          ...limits,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["packages/*/src/**/*.simulation.test.ts"],
          ...limits,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["packages/*/src/**/*.e2e.test.ts"],
          // Workers that fail on purpose say so; the tests look at what the operator sees.
          env: { POWERTOOLS_LOG_LEVEL: "SILENT" },
          ...limits,
        },
      },
      {
        test: {
          name: "infra",
          include: ["stacks/**/*.test.ts"],
          globalSetup: ["stacks/graph/testing/synthesize.ts"],
          ...limits,
        },
      },
    ],
  },
});
