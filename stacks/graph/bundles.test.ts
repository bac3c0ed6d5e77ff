/** The handlers' bundles, as they would be deployed. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { type ConsumerName, consumers } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { root } from "./synth/bundle.ts";
import { deploymentOf } from "./testing/graphs.ts";

const { functions } = deploymentOf("production").graph;

function bundleOf(handler: string): string {
  const built = Object.values(functions).find((one) => one.handler === handler);
  return path.join(root, built!.bundle!);
}

async function run(script: string, argument: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(root, script), argument]);
  return stdout;
}

test("given the workers' bundles, when they receive messages, then they back up, restore and reject", async () => {
  const bundles = Object.fromEntries(
    (Object.keys(consumers) as ConsumerName[]).map((name) => [
      name,
      bundleOf(`packages/aws/src/functions/${name}.handler`),
    ]),
  );
  const printed = await run("packages/smoke/src/with-bundles.ts", JSON.stringify(bundles));
  expect(printed.trim().split("\n")).toEqual(["20 items", "20 items, the same", "TaskRejected"]);
});

test("given Ferry's own metrics in alarms and dashboard, then each is published by its function's bundle", () => {
  const { resources } = deploymentOf("production").graph;
  // ["Ferry", "Items", "service", "ferry-production-backup"] in the dashboard; in an alarm, by its fields.
  const shown = resources.flatMap(({ inputs }) => [
    ...(inputs.dashboardBody?.matchAll(/"Ferry","(\w+)","service","ferry-production-(\w+)"/g) ?? []),
  ]);
  const watched = resources
    .filter(({ inputs }) => inputs.namespace === "Ferry")
    .map(({ inputs }) => ["", inputs.metricName, inputs.dimensions.service.replace("ferry-production-", "")]);
  const pairs = [...shown, ...watched].map(([, metric, service]) => ({ metric, service }));
  expect(pairs.length).toBeGreaterThan(10);
  const missing = pairs.filter(
    ({ metric, service }) =>
      !readFileSync(bundleOf(`packages/aws/src/functions/${service}.handler`), "utf8").includes(metric),
  );
  expect(missing).toEqual([]);
});

test("given the monitor's bundle, a stalled task and a stopped Pipe, when it runs, then it counts them", async () => {
  const printed = await run(
    "stacks/graph/testing/run-monitor.ts",
    bundleOf("packages/aws/src/functions/monitor.handler"),
  );
  const metrics = JSON.parse(printed.split("\n").find((line) => line.includes("CloudWatchMetrics"))!);
  expect(metrics).toMatchObject({
    service: "ferry-test-monitor",
    OpenTasks: 1,
    StalledTasks: 1,
    PipesNotRunning: 1,
  });
  expect(metrics._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: "Ferry", Dimensions: [["service"]] });
});
