import path from "node:path";
import { engineReport } from "@ferry/contracts/report";
import { nodeArguments } from "@ferry/terminal/testing/node-process";
import { defineConfig } from "vitest/config";

/** Long limits: on a busy machine a test may take many times as long. Only a test that hangs reaches them. */
const limits = {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  expect: { poll: { timeout: 300_000, interval: 20 } },
};

/**
 * Processes that the tests start compile the same modules each time; with a cache on disk they need half of the CPU time.
 * A child that does not inherit the environment gets the variable from its test.
 */
process.env["NODE_COMPILE_CACHE"] ??= path.join(import.meta.dirname, "node_modules/.cache/node");

/**
 * unit: tests without a server; the files share one process and its modules. isolated: tests that set what a module reads once,
 * when it is loaded; each file has its own process. contract: one suite per port, on every host of the port, in one process. simulation: whole tasks under
 * faults. e2e: tests with the local host; the files share a process, too, and many of them a host (test-host.ts of packages/local);
 * the programs that they start are bundled first.
 * infra: the synthesized stack; the files share a process.
 */
export default defineConfig({
  test: {
    // Failures and the counts. .ci/run prints the list of files, too.
    reporters: ["minimal"],
    // Vitest leaves one core to itself, but its own process is idle while the tests run.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts"],
          exclude: ["**/*.{isolated,contract,e2e,simulation}.test.ts"],
          isolate: false,
          unstubEnvs: true,
          execArgv: [...nodeArguments],
          ...limits,
        },
      },
      {
        test: {
          name: "isolated",
          include: ["packages/*/src/**/*.isolated.test.ts"],
          ...limits,
        },
      },
      {
        plugins: [engineReport()],
        test: {
          name: "contract",
          include: ["packages/*/src/**/*.contract.test.ts"],
          isolate: false,
          ...limits,
        },
      },
      {
        test: {
          name: "simulation",
          include: ["packages/*/src/**/*.simulation.test.ts"],
          execArgv: [...nodeArguments],
          ...limits,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["packages/*/src/**/*.e2e.test.ts"],
          isolate: false,
          globalSetup: ["packages/local/src/e2e/bundle-programs.ts"],
          setupFiles: ["packages/local/src/e2e/restore-environment.ts"],
          // The workers log their intended failures; the tests check what the operator sees.
          env: { POWERTOOLS_LOG_LEVEL: "SILENT", POWERTOOLS_METRICS_DISABLED: "true" },
          ...limits,
        },
      },
      {
        test: {
          name: "infra",
          include: ["stacks/**/*.test.ts"],
          globalSetup: ["stacks/graph/testing/synthesize.ts"],
          isolate: false,
          ...limits,
        },
      },
    ],
  },
});
