/**
 * Runs the local host with the synthesized bundles in place of the handlers' sources, and runs a backup, a restore and a
 * rejection, so that each handler processes real messages. It is a separate process because handlers read its
 * environment. Argument: the bundles' paths by consumer, as JSON. It prints each step's result.
 */
import { pathToFileURL } from "node:url";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { ConsumerName } from "@ferry/core/topology";
import { startHostWith } from "@ferry/local/host";
import { openEventListener } from "./event-listener.ts";
import { openDeployedStage } from "./stage.ts";
import { type SmokeRun, steps } from "./steps.ts";
import { createTables } from "./tables.ts";

type Handlers = Awaited<ReturnType<Parameters<typeof startHostWith>[1]>>;

const bundles = JSON.parse(process.argv[2]!) as Record<ConsumerName, string>;

const host = await startHostWith({}, async (env) => {
  Object.assign(process.env, env, { POWERTOOLS_LOG_LEVEL: "SILENT", POWERTOOLS_METRICS_DISABLED: "true" });
  const loaded = Object.entries(bundles).map(async ([name, file]) => [
    name,
    ((await import(pathToFileURL(file).href)) as { handler: unknown }).handler,
  ]);
  return Object.fromEntries(await Promise.all(loaded)) as Handlers;
});
const stage = await openDeployedStage({ local: host.endpoint }, { bucket: "ferry-smoke", run: "bundles" });
try {
  const listener = await openEventListener(stage);
  const run: SmokeRun = { stage, isLocal: true, listener, handoffs: false, tasks: [] };
  await stage.s3.send(new CreateBucketCommand({ Bucket: stage.bucket }));
  await createTables(stage, { items: 20, bytes: 100 }, () => {});
  for (const step of steps.filter(({ needs }) => needs === undefined)) console.log(await step.run(run));
} finally {
  await host.stop();
}
process.exit(0);
