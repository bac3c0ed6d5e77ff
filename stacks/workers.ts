/** The functions on the queues, each with its own role. */
import { type ConsumerName, consumers } from "@ferry/core/topology";
import { ferryFunction } from "./functions.ts";
import { logical, named } from "./here.ts";
import { busLink, queueLinks, settingsLink, tableLinks, workerTableLink } from "./links.ts";
import { queues } from "./queues.ts";
import { permissions } from "./roles.ts";
import { concurrency, memoryMb, timeoutSeconds } from "./timing.ts";

const links = {
  backup: [busLink, queueLinks["backup-queue"], tableLinks["backup-table"], workerTableLink, settingsLink],
  restore: [busLink, queueLinks["restore-queue"], tableLinks["restore-table"], workerTableLink, settingsLink],
  projection: Object.values(tableLinks),
} satisfies Record<ConsumerName, unknown[]>;

function worker(name: ConsumerName) {
  const { queue, batchSize } = consumers[name];
  const subscriber = queues[queue].subscribe(
    ferryFunction(name, {
      handler: `packages/aws/src/handlers/${name}.handler`,
      description: `Works on ${queue}`,
      memory: `${memoryMb(name)} MB`,
      timeout: `${timeoutSeconds(name)} seconds`,
      link: links[name],
      permissions: permissions[name],
    }),
    {
      batch: { size: batchSize, partialResponses: true },
      transform: {
        eventSourceMapping: { scalingConfig: { maximumConcurrency: concurrency(name) } },
      },
    },
  );
  // A worker continues itself through the bus; Lambda would take that for a runaway loop and stop it after 16 hops.
  if (name !== "projection")
    new aws.lambda.FunctionRecursionConfig(
      `${logical(name)}Recursion`,
      { functionName: named(name), recursiveLoop: "Allow" },
      { dependsOn: subscriber },
    );
}

for (const name of Object.keys(consumers) as ConsumerName[]) worker(name);
