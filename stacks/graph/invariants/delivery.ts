/** No event and no message is lost between the bus, the queues, the Pipes and the functions. */
import { SOURCE } from "@ferry/core/events/events";
import { callerTypes, consumers, physicalName } from "@ferry/core/topology";
import { type Deployment, equalAsJson, type Invariants, nameInArn, resourcesOfType } from "./invariant.ts";

/** A Pipe's put takes at most a second; AWS advises six times that, and throttling needs more. */
const PIPE_VISIBILITY_SECONDS_MIN = 60;
/** AWS's advice for a queue that a function reads. */
const VISIBILITY_FACTOR = 6;

const queueNamed = (deployment: Deployment, name: string) =>
  resourcesOfType(deployment, "Queue").find(({ inputs }) => inputs.name === name)?.inputs;

export const deliveryInvariants: Invariants = {
  "facts-need-their-source": {
    reason:
      "Callers may put requests from any source. A rule that matches facts from any source would deliver forged facts.",
    *violations(deployment) {
      for (const { inputs } of resourcesOfType(deployment, "EventRule")) {
        const pattern = JSON.parse(inputs.eventPattern) as { source?: string[]; "detail-type"?: string[] };
        const facts = (pattern["detail-type"] ?? ["every type"]).filter(
          (type) => !(callerTypes as readonly string[]).includes(type),
        );
        if (facts.length > 0 && !equalAsJson(pattern.source, [SOURCE]))
          yield `rule ${inputs.name} matches ${facts.join(", ")} from any source`;
      }
    },
  },
  "work-has-fails-as": {
    reason:
      "When a worker's message becomes a dead letter, its failsAs is the event that ends the segment or task.",
    *violations(deployment) {
      const { stage } = deployment.graph.app;
      const workQueues = [consumers.backup.queue, consumers.restore.queue].map((name) =>
        physicalName(stage, name),
      );
      const work = /^\{"failsAs":"(TaskRejected|SegmentFailed|TaskStepFailed)",/;
      for (const { inputs } of resourcesOfType(deployment, "EventTarget"))
        if (
          workQueues.includes(nameInArn(inputs.arn)) &&
          !work.test(inputs.inputTransformer?.inputTemplate ?? "")
        )
          yield `rule ${inputs.rule} delivers work without failsAs`;
    },
  },
  "partial-responses": {
    reason: "Without them Lambda ignores the failures that a handler returns, and deletes the messages.",
    *violations(deployment) {
      for (const { name, inputs } of resourcesOfType(deployment, "EventSourceMapping")) {
        if (!equalAsJson(inputs.functionResponseTypes, ["ReportBatchItemFailures"]))
          yield `${name} ignores the failure of single messages`;
        if (inputs.filterCriteria !== undefined)
          yield `${name} has a filter, which deletes the messages that do not match`;
      }
    },
  },
  "everything-has-dead-letters": {
    reason:
      "After a limited number of attempts, an undeliverable event or message must go to a queue that has an alarm.",
    *violations(deployment) {
      const kept = (arn: string | undefined) =>
        arn !== undefined && queueNamed(deployment, nameInArn(arn)) !== undefined;
      const retries = (policy?: { maximumRetryAttempts?: number; maximumEventAgeInSeconds?: number }) =>
        Number(policy?.maximumRetryAttempts) > 0 && Number(policy?.maximumEventAgeInSeconds) < 24 * 3_600;
      const read = [
        ...resourcesOfType(deployment, "EventSourceMapping"),
        ...resourcesOfType(deployment, "Pipe"),
      ].map(({ inputs }) => nameInArn(inputs.eventSourceArn ?? inputs.source));
      for (const { name, inputs } of resourcesOfType(deployment, "EventTarget"))
        if (!kept(inputs.deadLetterConfig?.arn) || !retries(inputs.retryPolicy))
          yield `${name} drops undeliverable events, or has EventBridge's default limits`;
      for (const { name, inputs } of resourcesOfType(deployment, "Schedule"))
        if (inputs.target.eventbridgeParameters !== undefined && !kept(inputs.target.deadLetterConfig?.arn))
          yield `${name} drops a request that it cannot put`;
      for (const { name, inputs } of resourcesOfType(deployment, "Pipe")) {
        const stream = inputs.sourceParameters?.dynamodbStreamParameters;
        if (stream !== undefined && !(kept(stream.deadLetterConfig?.arn) && stream.maximumRetryAttempts > 0))
          yield `${name} drops a record that it cannot put, or retries it without a limit`;
      }
      for (const { inputs } of resourcesOfType(deployment, "Queue"))
        if (read.includes(inputs.name) && !kept(JSON.parse(inputs.redrivePolicy ?? "{}").deadLetterTargetArn))
          yield `${inputs.name} has no dead letters`;
    },
  },
  "visibility-covers-the-timeout": {
    reason:
      "A message that becomes visible while it is processed is processed twice and uses up its attempts.",
    *violations(deployment) {
      const { graph } = deployment;
      const least = new Map<string, number>();
      for (const { inputs } of resourcesOfType(deployment, "Pipe"))
        least.set(nameInArn(inputs.source), PIPE_VISIBILITY_SECONDS_MIN);
      for (const { inputs } of resourcesOfType(deployment, "EventSourceMapping")) {
        const reader = resourcesOfType(deployment, "Function").find(
          (one) => one.inputs.name === nameInArn(inputs.functionName),
        );
        // In `sst dev` the messages of a stopped session should return soon.
        least.set(
          nameInArn(inputs.eventSourceArn),
          Number(reader?.inputs.timeout) * (graph.dev ? 1 : VISIBILITY_FACTOR),
        );
      }
      for (const [name, seconds] of least) {
        const queue = queueNamed(deployment, name);
        if (queue === undefined) continue; // a stream
        if (!(queue.visibilityTimeoutSeconds >= seconds))
          yield `${name} hides a message for ${queue.visibilityTimeoutSeconds} s; its reader needs ${seconds} s`;
      }
    },
  },
  "dead-letters-outlive-their-source": {
    reason:
      "A dead letter keeps its age, so it would expire at once in a queue that keeps messages no longer.",
    *violations(deployment) {
      for (const { inputs } of resourcesOfType(deployment, "Queue")) {
        const arn = JSON.parse(inputs.redrivePolicy ?? "{}").deadLetterTargetArn;
        if (arn === undefined) continue;
        const kept = queueNamed(deployment, nameInArn(arn))?.messageRetentionSeconds;
        if (!(kept > inputs.messageRetentionSeconds))
          yield `${nameInArn(arn)} keeps messages for ${kept} s, ${inputs.name} for ${inputs.messageRetentionSeconds} s`;
      }
    },
  },
  "pipes-come-last": {
    reason:
      "A Pipe that is created before its role, a rule's target or a queue's policy fails, or puts an event that no queue receives.",
    *violations(deployment) {
      const targets = resourcesOfType(deployment, "EventTarget").map(({ name }) => name);
      const policies = resourcesOfType(deployment, "QueuePolicy")
        .map(({ name }) => name)
        // It admits callers, and is not needed for delivery.
        .filter((name) => name !== "RequestQueuePolicy");
      for (const { name, dependsOn = [] } of resourcesOfType(deployment, "Pipe"))
        for (const needed of [`${name}Role`, ...targets, ...policies, "BusPolicy"])
          if (!dependsOn.includes(needed)) yield `${name} may be created before ${needed}`;
    },
  },
};
