/**
 * The rules on the bus: one for each route of the topology. They do not use `bus.subscribeQueue`, which drops a pattern's
 * `$or` and opens the queue to every rule, topic and bucket of any account (docs/decisions/0010).
 */
import { inputTemplate, type Route, routes } from "@ferry/core/topology";
import { logicalNameOf, physicalNameOf } from "../naming/names.ts";
import { stageQueues } from "../queues/queues.ts";
import { bus } from "./bus.ts";

/** An event that SQS refuses for four hours goes to the undelivered queue. EventBridge's default is a day. */
const RETRIES = { maximumEventAgeInSeconds: 4 * 3_600, maximumRetryAttempts: 100 };

function rule(name: string, route: Route) {
  const built = new aws.cloudwatch.EventRule(`${logicalNameOf(name)}Rule`, {
    name, // unique on its bus, and the bus has the stage's name
    description: `To ${route.queue}${route.failsAs === undefined ? "" : `; a dead letter becomes ${route.failsAs}`}`,
    eventBusName: bus.name,
    eventPattern: JSON.stringify(route.pattern),
  });
  const target = new aws.cloudwatch.EventTarget(`${logicalNameOf(name)}Target`, {
    rule: built.name,
    eventBusName: bus.name,
    targetId: physicalNameOf(route.queue),
    arn: stageQueues[route.queue].arn,
    inputTransformer: { inputTemplate: inputTemplate(route) },
    retryPolicy: RETRIES,
    deadLetterConfig: { arn: stageQueues["undelivered-queue"].arn },
    ...(route.messageGroup !== undefined && { sqsTarget: { messageGroupId: route.messageGroup } }),
  });
  return { queue: route.queue, arn: built.arn, target };
}

/** Every rule: its queue, its ARN and its target. */
export const rules = Object.entries(routes).map(([name, route]) => rule(name, route));
