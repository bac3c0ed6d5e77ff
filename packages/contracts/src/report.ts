/**
 * Prints at the end of a run which suites ran on which engines, whatever reporters the run has, so that a missing engine is
 * noticed. It reads port and engine from the suites' titles: `Port over engine`.
 */
import type { Plugin } from "vitest/config";
import type { Reporter, TestModule, TestSuite } from "vitest/node";

/** The results of one suite on one engine. */
export interface SuiteResult {
  /** `TableData over memory` */
  readonly title: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The lines of the report. `notRun`: why each missing engine did not run. */
export function reportLines(suites: readonly SuiteResult[], notRun: readonly string[]): string[] {
  const ports = Map.groupBy(suites, ({ title }) => title.split(" over ")[0]!);
  const width = Math.max(...[...ports.keys()].map((port) => port.length));
  const lines = [...ports.keys()].sort().flatMap((port) =>
    ports.get(port)!.map((suite, i) => {
      const engine = suite.title.slice(port.length).replace(/^ over /, "");
      return `${(i === 0 ? port : "").padEnd(width)}  ${engine}: ${countsOf(suite)}`;
    }),
  );
  return [...lines, ...notRun.map((reason) => `not run: ${reason}`)];
}

/** The Vite plugin of the contract project. */
export function engineReport(): Plugin {
  return {
    name: "ferry:engine-report",
    configureVitest({ vitest, project }) {
      const reporter: Reporter = {
        onTestRunEnd(modules) {
          const ownModules = modules.filter((module) => module.project.name === project.name);
          const suites = ownModules.flatMap((module) => [...module.children.suites()].map(resultOf));
          const notRun = ownModules.flatMap(skippedEngines);
          if (suites.length + notRun.length === 0) return;
          vitest.logger.log(
            [" Contract suites, by port and engine", ...reportLines(suites, notRun), ""].join("\n   "),
          );
        },
      };
      vitest.config.reporters.push(reporter);
    },
  };
}

function countsOf({ passed, failed, skipped }: SuiteResult): string {
  const counts = Object.entries({ passed, failed, skipped }).filter(([, count]) => count > 0);
  // If an engine could not be started, no test of its suite ran.
  if (passed + failed === 0) return "did NOT run";
  return counts.map(([name, count]) => `${count} ${name}`).join(", ");
}

function resultOf(suite: TestSuite): SuiteResult {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const test of suite.children.allTests()) counts[test.result().state]++;
  return { title: suite.name, ...counts };
}

/** A skipped test outside a suite stands for an engine that did not run. */
function skippedEngines(module: TestModule): string[] {
  return [...module.children.tests()]
    .filter(({ options }) => options.mode === "skip")
    .map(({ name }) => name);
}
