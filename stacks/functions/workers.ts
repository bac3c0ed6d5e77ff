/** The functions on the queues: both workers and the projector. */
import { WORKER_NODE_OPTIONS } from "@ferry/core/settings/node-options";
import { type ConsumerName, consumers } from "@ferry/core/topology";
import { logicalNameOf } from "../naming/names.ts";
import { permissions } from "../permissions/function-permissions.ts";
import { stageQueues } from "../queues/queues.ts";
import { concurrency, memoryMb, reservedConcurrency } from "../settings/capacity.ts";
import { timeoutSeconds } from "../settings/timeouts.ts";
import { ferryFunction } from "./ferry-function.ts";
import { links } from "./links.ts";

/**
 * It does not use `queue.subscribe`, which derives the logical names of function and mapping from a hash
 * (docs/decisions/0010).
 */
function worker(name: ConsumerName) {
  const { queue, batchSize } = consumers[name];
  const built = new sst.aws.Function(
    `${logicalNameOf(name)}Worker`,
    ferryFunction(name, {
      handler: `packages/aws/src/functions/${name}.handler`,
      description: `Processes messages of ${queue}`,
      memory: `${memoryMb(name)} MB`,
      timeout: `${timeoutSeconds(name)} seconds`,
      link: links[name],
      ...reservedConcurrency(name),
      ...(name !== "projection" && { environment: { NODE_OPTIONS: WORKER_NODE_OPTIONS } }),
      permissions: permissions[name],
    }),
  );
  new aws.lambda.EventSourceMapping(`${logicalNameOf(name)}WorkerMapping`, {
    eventSourceArn: stageQueues[queue].arn,
    functionName: built.targetArn,
    batchSize,
    functionResponseTypes: ["ReportBatchItemFailures"],
    scalingConfig: { maximumConcurrency: concurrency(name) },
  });
  // A worker continues its segment through the bus. Lambda would treat that as an endless loop and stop it after 16 handoffs.
  if (name !== "projection")
    new aws.lambda.FunctionRecursionConfig(`${logicalNameOf(name)}WorkerRecursion`, {
      functionName: built.name,
      recursiveLoop: "Allow",
    });
}

for (const name of Object.keys(consumers) as ConsumerName[]) worker(name);
