/**
 * Says at the end of a run which suites ran over which engines, whatever reporters the run has: an engine that is not
 * there must be seen to be missing. It is told from the results, by the suites' titles: `Port over engine`.
 */
import type { Plugin } from "vitest/config";
import type { Reporter, TestModule, TestSuite } from "vitest/node";

/** What became of one suite over one engine. */
export interface SuiteResult {
  /** `TableData over memory` */
  readonly title: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The lines of the report. `notRun` says of each engine that is missing why it is. */
export function reportLines(suites: readonly SuiteResult[], notRun: readonly string[]): string[] {
  const ports = Map.groupBy(suites, ({ title }) => title.split(" over ")[0]!);
  const width = Math.max(...[...ports.keys()].map((port) => port.length));
  const lines = [...ports.keys()].sort().flatMap((port) =>
    ports.get(port)!.map((suite, i) => {
      const engine = suite.title.slice(port.length).replace(/^ over /, "");
      return `${(i === 0 ? port : "").padEnd(width)}  ${engine}: ${countsOf(suite)}`;
    }),
  );
  return [...lines, ...notRun.map((why) => `not run: ${why}`)];
}

/** Vite's plugin for the project of the contract suites. */
export function engineReport(): Plugin {
  return {
    name: "ferry:engine-report",
    configureVitest({ vitest, project }) {
      const reporter: Reporter = {
        onTestRunEnd(modules) {
          const ours = modules.filter((module) => module.project.name === project.name);
          const suites = ours.flatMap((module) => [...module.children.suites()].map(resultOf));
          const notRun = ours.flatMap(skippedEngines);
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
  // A suite whose engine could not be started has no tests that ran.
  if (passed + failed === 0) return "did NOT run";
  return counts.map(([name, count]) => `${count} ${name}`).join(", ");
}

function resultOf(suite: TestSuite): SuiteResult {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
  for (const test of suite.children.allTests()) counts[test.result().state]++;
  return { title: suite.name, ...counts };
}

/** A test that stands by itself in a file, skipped, says that there is no engine. */
function skippedEngines(module: TestModule): string[] {
  return [...module.children.tests()]
    .filter(({ options }) => options.mode === "skip")
    .map(({ name }) => name);
}
