/** The handlers as they would be deployed: bundled by the synth, not the sources. */
import { execFile } from "node:child_process";
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
