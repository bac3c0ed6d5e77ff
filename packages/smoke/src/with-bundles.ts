/**
 * Runs the local host with the synthesized bundles in the place of the handlers' sources, and lets them do a backup, a
 * restore and a rejection. Each handler has then worked on real messages. A process of its own: handlers read its
 * environment. Prints what was seen; takes the bundles' paths by consumer, as JSON.
 */
import { pathToFileURL } from "node:url";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import type { ConsumerName } from "@ferry/core/topology";
import { startHostWith } from "@ferry/local/host";
import { stageOf } from "./stage.ts";
import { steps, type Trial } from "./steps.ts";
import { createTables } from "./tables.ts";

type Handlers = Awaited<ReturnType<Parameters<typeof startHostWith>[1]>>;

const bundles = JSON.parse(process.argv[2]!) as Record<ConsumerName, string>;

const host = await startHostWith({ stage: "smoke" }, async (env) => {
  Object.assign(process.env, env, { POWERTOOLS_LOG_LEVEL: "SILENT", POWERTOOLS_METRICS_DISABLED: "true" });
  const loaded = Object.entries(bundles).map(async ([name, file]) => [
    name,
    ((await import(pathToFileURL(file).href)) as { handler: unknown }).handler,
  ]);
  return Object.fromEntries(await Promise.all(loaded)) as Handlers;
});
const stage = stageOf({ name: "smoke", region: host.homeRegion, bucket: "ferry-smoke", run: "bundles" });
const trial: Trial = { stage, hops: false, tasks: [] };
try {
  await stage.s3.send(new CreateBucketCommand({ Bucket: stage.bucket }));
  await createTables(stage, { items: 20, bytes: 100 }, () => {});
  for (const step of steps.filter(({ needs }) => needs === undefined)) console.log(await step.run(trial));
} finally {
  await host.stop();
}
process.exit(0);
