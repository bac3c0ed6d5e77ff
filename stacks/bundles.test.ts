/** The handlers as they would be deployed: bundled by the synth, not the sources. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { type ConsumerName, consumers } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { deploymentOf, root } from "./testing/graphs.ts";

const { functions } = deploymentOf("production").graph;

function bundleOf(handler: string): string {
  const built = Object.values(functions).find((one) => one.handler === handler);
  return path.join(root, built!.bundle!);
}

async function run(script: string, argument: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(root, script), argument]);
  return stdout;
}

test("given the workers' bundles, when messages come, then they back up, restore and reject", async () => {
  const bundles = Object.fromEntries(
    (Object.keys(consumers) as ConsumerName[]).map((name) => [
      name,
      bundleOf(`packages/aws/src/handlers/${name}.handler`),
    ]),
  );
  const seen = await run("packages/smoke/src/with-bundles.ts", JSON.stringify(bundles));
  expect(seen.trim().split("\n")).toEqual(["20 items", "20 items, the same", "TaskRejected"]);
});

test("given every metric of Ferry's own that an alarm or the dashboard looks at, then its bundle publishes it", () => {
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
  const handlers = { watch: "packages/watch/src/handler.handler" } as Record<string, string>;
  const missing = pairs.filter(
    ({ metric, service }) =>
      !readFileSync(
        bundleOf(handlers[service] ?? `packages/aws/src/handlers/${service}.handler`),
        "utf8",
      ).includes(metric),
  );
  expect(missing).toEqual([]);
});

test("given the watch's bundle, a silent task and a stopped Pipe, when it looks, then it counts them", async () => {
  const printed = await run("stacks/testing/run-watch.ts", bundleOf("packages/watch/src/handler.handler"));
  const metrics = JSON.parse(printed.split("\n").find((line) => line.includes("CloudWatchMetrics"))!);
  expect(metrics).toMatchObject({
    service: "ferry-test-watch",
    OpenTasks: 1,
    StalledTasks: 1,
    PipesNotRunning: 1,
  });
  expect(metrics._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: "Ferry", Dimensions: [["service"]] });
});
