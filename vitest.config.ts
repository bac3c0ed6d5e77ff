import { engineReport } from "@ferry/contracts/report";
import { defineConfig } from "vitest/config";

/** Long limits: on a busy machine a test may take many times as long. Only a test that hangs reaches them. */
const limits = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 300_000, interval: 20 } },
};

/**
 * unit: tests without a server. contract: one suite per port, on every host of the port. simulation: whole tasks under
 * faults. e2e: tests with the local host. infra: the synthesized stack.
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
          // The workers log their intended failures; the tests check what the operator sees.
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
