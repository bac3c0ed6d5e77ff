/** No event and no message is lost between the bus, the queues, the Pipes and the functions. */
import { SOURCE } from "@ferry/core/events/events";
import { callerTypes, consumers, physicalName } from "@ferry/core/topology";
import {
  type Deployment,
  equalAsJson,
  type Invariants,
  nameInArn,
  resourcesOfType,
  violationUnless,
} from "./invariant.ts";

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
    violations: (deployment) =>
      resourcesOfType(deployment, "EventRule").flatMap(({ inputs }) => {
        const pattern = JSON.parse(inputs.eventPattern) as { source?: string[]; "detail-type"?: string[] };
        const facts = (pattern["detail-type"] ?? ["every type"]).filter(
          (type) => !(callerTypes as readonly string[]).includes(type),
        );
        return violationUnless(
          facts.length === 0 || equalAsJson(pattern.source, [SOURCE]),
          `rule ${inputs.name} matches ${facts.join(", ")} from any source`,
        );
      }),
  },
  "work-has-fails-as": {
    reason:
      "When a worker's message becomes a dead letter, its failsAs is the event that ends the segment or task.",
    violations: (deployment) => {
      const { stage } = deployment.graph.app;
      const workQueues = [consumers.backup.queue, consumers.restore.queue].map((name) =>
        physicalName(stage, name),
      );
      return resourcesOfType(deployment, "EventTarget")
        .filter(({ inputs }) => workQueues.includes(nameInArn(inputs.arn)))
        .flatMap(({ inputs }) =>
          violationUnless(
            /^\{"failsAs":"(TaskRejected|SegmentFailed|TaskStepFailed)",/.test(
              inputs.inputTransformer?.inputTemplate ?? "",
            ),
            `rule ${inputs.rule} delivers work without failsAs`,
          ),
        );
    },
  },
  "partial-responses": {
    reason: "Without them Lambda ignores the failures that a handler returns, and deletes the messages.",
    violations: (deployment) =>
      resourcesOfType(deployment, "EventSourceMapping").flatMap(({ name, inputs }) => [
        ...violationUnless(
          equalAsJson(inputs.functionResponseTypes, ["ReportBatchItemFailures"]),
          `${name} ignores the failure of single messages`,
        ),
        ...violationUnless(
          inputs.filterCriteria === undefined,
          `${name} has a filter, which deletes the messages that do not match`,
        ),
      ]),
  },
  "everything-has-dead-letters": {
    reason:
      "After a limited number of attempts, an undeliverable event or message must go to a queue that has an alarm.",
    violations: (deployment) => {
      const kept = (arn: string | undefined) =>
        arn !== undefined && queueNamed(deployment, nameInArn(arn)) !== undefined;
      const retries = (policy?: { maximumRetryAttempts?: number; maximumEventAgeInSeconds?: number }) =>
        Number(policy?.maximumRetryAttempts) > 0 && Number(policy?.maximumEventAgeInSeconds) < 24 * 3_600;
      const read = [
        ...resourcesOfType(deployment, "EventSourceMapping"),
        ...resourcesOfType(deployment, "Pipe"),
      ].map(({ inputs }) => nameInArn(inputs.eventSourceArn ?? inputs.source));
      return [
        ...resourcesOfType(deployment, "EventTarget").flatMap(({ name, inputs }) =>
          violationUnless(
            kept(inputs.deadLetterConfig?.arn) && retries(inputs.retryPolicy),
            `${name} drops undeliverable events, or has EventBridge's default limits`,
          ),
        ),
        ...resourcesOfType(deployment, "Schedule")
          .filter(({ inputs }) => inputs.target.eventbridgeParameters !== undefined)
          .flatMap(({ name, inputs }) =>
            violationUnless(
              kept(inputs.target.deadLetterConfig?.arn),
              `${name} drops a request that it cannot put`,
            ),
          ),
        ...resourcesOfType(deployment, "Pipe").flatMap(({ name, inputs }) => {
          const stream = inputs.sourceParameters?.dynamodbStreamParameters;
          return violationUnless(
            stream === undefined || (kept(stream.deadLetterConfig?.arn) && stream.maximumRetryAttempts > 0),
            `${name} drops a record that it cannot put, or retries it without a limit`,
          );
        }),
        ...resourcesOfType(deployment, "Queue")
          .filter(({ inputs }) => read.includes(inputs.name))
          .flatMap(({ inputs }) =>
            violationUnless(
              kept(JSON.parse(inputs.redrivePolicy ?? "{}").deadLetterTargetArn),
              `${inputs.name} has no dead letters`,
            ),
          ),
      ];
    },
  },
  "visibility-covers-the-timeout": {
    reason:
      "A message that becomes visible while it is processed is processed twice and uses up its attempts.",
    violations: (deployment) => {
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
      return [...least].flatMap(([name, seconds]) => {
        const queue = queueNamed(deployment, name);
        if (queue === undefined) return []; // a stream
        return violationUnless(
          queue.visibilityTimeoutSeconds >= seconds,
          `${name} hides a message for ${queue.visibilityTimeoutSeconds} s; its reader needs ${seconds} s`,
        );
      });
    },
  },
  "dead-letters-outlive-their-source": {
    reason:
      "A dead letter keeps its age, so it would expire at once in a queue that keeps messages no longer.",
    violations: (deployment) =>
      resourcesOfType(deployment, "Queue").flatMap(({ inputs }) => {
        const arn = JSON.parse(inputs.redrivePolicy ?? "{}").deadLetterTargetArn;
        if (arn === undefined) return [];
        const kept = queueNamed(deployment, nameInArn(arn))?.messageRetentionSeconds;
        return violationUnless(
          kept > inputs.messageRetentionSeconds,
          `${nameInArn(arn)} keeps messages for ${kept} s, ${inputs.name} for ${inputs.messageRetentionSeconds} s`,
        );
      }),
  },
  "pipes-come-last": {
    reason:
      "A Pipe that is created before its role, a rule's target or a queue's policy fails, or puts an event that no queue receives.",
    violations: (deployment) => {
      const targets = resourcesOfType(deployment, "EventTarget").map(({ name }) => name);
      const policies = resourcesOfType(deployment, "QueuePolicy")
        .map(({ name }) => name)
        // It admits callers, and is not needed for delivery.
        .filter((name) => name !== "RequestQueuePolicy");
      return resourcesOfType(deployment, "Pipe").flatMap(({ name, dependsOn = [] }) =>
        [`${name}Role`, ...targets, ...policies, "BusPolicy"].flatMap((needed) =>
          violationUnless(dependsOn.includes(needed), `${name} may be created before ${needed}`),
        ),
      );
    },
  },
};
