/**
 * The rules on the bus: the topology's routes, one for one. Not by `bus.subscribeQueue`, which drops a pattern's `$or`
 * and opens the queue to every rule, topic and bucket of any account (docs/decisions/0010).
 */
import { inputTemplate, type Route, routes } from "@ferry/core/topology";
import { bus } from "./bus.ts";
import { logical, physical } from "./here.ts";
import { queues } from "./queues.ts";

/** What SQS does not take for four hours goes to the undelivered queue; EventBridge's own bound is a day. */
const RETRIES = { maximumEventAgeInSeconds: 4 * 3_600, maximumRetryAttempts: 100 };

function route(name: string, spec: Route) {
  const rule = new aws.cloudwatch.EventRule(`${logical(name)}Rule`, {
    name, // unique on its bus, and the bus has the stage's name
    description: `To ${spec.queue}${spec.failsAs === undefined ? "" : `; never processed, it is ${spec.failsAs}`}`,
    eventBusName: bus.name,
    eventPattern: JSON.stringify(spec.pattern),
  });
  new aws.cloudwatch.EventTarget(`${logical(name)}Target`, {
    rule: rule.name,
    eventBusName: bus.name,
    targetId: physical(spec.queue),
    arn: queues[spec.queue].arn,
    inputTransformer: { inputTemplate: inputTemplate(spec) },
    retryPolicy: RETRIES,
    deadLetterConfig: { arn: queues["undelivered-queue"].arn },
    ...(spec.messageGroup !== undefined && { sqsTarget: { messageGroupId: spec.messageGroup } }),
  });
  return { queue: spec.queue, arn: rule.arn };
}

/** Every rule, with the queue it delivers to. */
export const rules = Object.entries(routes).map(([name, spec]) => route(name, spec));
