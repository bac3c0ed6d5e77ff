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

test("the workers' bundles back up, restore and reject", async () => {
  const bundles = Object.fromEntries(
    (Object.keys(consumers) as ConsumerName[]).map((name) => [
      name,
      bundleOf(`packages/aws/src/functions/${name}.handler`),
    ]),
  );
  const output = await run("packages/smoke/src/with-bundles.ts", JSON.stringify(bundles));
  expect(output.trim().split("\n")).toEqual([
    "20 items",
    "20 identical items",
    "TaskRejected",
    "TaskRejected",
    "TaskFinishing and TaskSucceeded, of the backup and the restore",
  ]);
});

test("the projector's bundle has no client of S3 and SQS, which the workers' bundles have", () => {
  const clients = ["com.amazonaws.s3", "com.amazonaws.sqs"];
  const containedIn = (name: string) => {
    const code = readFileSync(bundleOf(`packages/aws/src/functions/${name}.handler`), "utf8");
    return clients.filter((client) => code.includes(client));
  };
  expect(containedIn("projection")).toEqual([]);
  expect(containedIn("backup")).toEqual(clients);
});

test("every Ferry metric of the alarms and the dashboard is published by its function's bundle", () => {
  const { resources } = deploymentOf("production").graph;
  // ["Ferry", "Items", "service", "ferry-production-backup"] in the dashboard; in an alarm, by its fields.
  const onDashboard = resources.flatMap(({ inputs }) => [
    ...(inputs.dashboardBody?.matchAll(/"Ferry","(\w+)","service","ferry-production-(\w+)"/g) ?? []),
  ]);
  const inAlarms = resources
    .filter(({ inputs }) => inputs.namespace === "Ferry")
    .map(({ inputs }) => ["", inputs.metricName, inputs.dimensions.service.replace("ferry-production-", "")]);
  const pairs = [...onDashboard, ...inAlarms].map(([, metric, service]) => ({ metric, service }));
  expect(pairs.length).toBeGreaterThan(10);
  const missing = pairs.filter(
    ({ metric, service }) =>
      !readFileSync(bundleOf(`packages/aws/src/functions/${service}.handler`), "utf8").includes(metric),
  );
  expect(missing).toEqual([]);
});

test("the monitor's bundle counts stalled tasks, a stopped Pipe and overdue backups, and announces a finishing task again", async () => {
  const output = await run(
    "stacks/graph/testing/run-monitor.ts",
    bundleOf("packages/aws/src/functions/monitor.handler"),
  );
  const [metrics, ofSchedule] = output
    .split("\n")
    .filter((line) => line.includes("CloudWatchMetrics"))
    .map((line) => JSON.parse(line));
  expect(metrics).toMatchObject({
    service: "ferry-test-monitor",
    OpenTasks: 2,
    StalledTasks: 2,
    PipesNotRunning: 1,
    AnnouncedAgain: 1,
  });
  const written = output.split("\n").filter((line) => line.includes('"written"'));
  const parts = { table: "backups", key: "us-east-1-parts" };
  expect(written.map((line) => JSON.parse(line))).toEqual([
    { written: { ...parts, state: "running" }, condition: { ":read": { N: "7" } } },
    { written: { ...parts, state: "finishing" }, condition: { ":read": { N: "8" } } },
  ]);
  expect(metrics._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: "Ferry", Dimensions: [["service"]] });
  // The alarm of a schedule has exactly these dimensions.
  expect(ofSchedule).toMatchObject({ service: "ferry-test-monitor", schedule: "nightly", OverdueBackups: 2 });
  expect(ofSchedule._aws.CloudWatchMetrics[0]).toMatchObject({
    Namespace: "Ferry",
    Dimensions: [["service", "schedule"]],
  });
});
