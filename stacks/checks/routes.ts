/** The bus and its rules: the topology's, no more and no fewer, and nothing is lost on the way. */
import { SOURCE } from "@ferry/core/events";
import { callerTypes, inputTemplate, physicalName, routes, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";

/** EventBridge's own bounds, which are to be undercut; and what gets over a passing fault of SQS. */
const EVENT_AGE_SECONDS = { least: 3_600, below: 24 * 3_600 };
const RETRIES = { least: 20, below: 185 };
const within = (value: number, { least, below }: { least: number; below: number }) =>
  value >= least && value < below;

const targetsOf = (deployment: Deployment, rule: string) =>
  ofType(deployment, "EventTarget").filter((target) => target.inputs.rule === rule);
const isQueue = (arn: string, stage: string, name: Parameters<typeof physicalName>[1]) =>
  arn?.startsWith("arn:aws:sqs:") && arn.endsWith(`:${physicalName(stage, name)}`);

const busIsNamedAndLogs: Check = {
  name: "bus-logs-errors",
  broken: (deployment) => {
    const name = physicalName(deployment.stage, "bus");
    const buses = ofType(deployment, "EventBus");
    const [source] = ofType(deployment, "LogDeliverySource");
    const [destination] = ofType(deployment, "LogDeliveryDestination");
    const [delivery] = ofType(deployment, "LogDelivery");
    return [
      ...differences(
        "bus",
        [name],
        buses.map((bus) => bus.inputs.name),
      ),
      ...buses.flatMap((bus) =>
        unless(
          same(bus.inputs.logConfig, { level: "ERROR", includeDetail: "NONE" }),
          `the bus logs ${JSON.stringify(bus.inputs.logConfig)}: errors are to be logged, items' keys not`,
        ),
      ),
      ...unless(
        source?.inputs.logType === "ERROR_LOGS" && source.inputs.resourceArn?.endsWith(`:event-bus/${name}`),
        "the bus's errors are delivered from nowhere",
      ),
      ...unless(
        delivery?.inputs.deliverySourceName === source?.inputs.name &&
          delivery?.inputs.deliveryDestinationArn?.endsWith(
            `:delivery-destination:${destination?.inputs.name}`,
          ) &&
          destination?.inputs.deliveryDestinationConfiguration?.destinationResourceArn?.endsWith(
            `:log-group:/aws/vendedlogs/events/${name}`,
          ),
        "the bus's errors go nowhere",
      ),
    ];
  },
};

const rulesAreTheRoutes: Check = {
  name: "rules-are-the-routes",
  broken: (deployment) => {
    const rules = ofType(deployment, "EventRule");
    return [
      ...differences(
        "rule",
        Object.keys(routes),
        rules.map((rule) => rule.inputs.name),
      ),
      ...rules.flatMap(({ inputs }) => [
        ...unless(
          same(JSON.parse(inputs.eventPattern), routes[inputs.name]?.pattern),
          `rule ${inputs.name} matches ${inputs.eventPattern}, not what the topology says`,
        ),
        ...unless(
          inputs.eventBusName === physicalName(deployment.stage, "bus"),
          `rule ${inputs.name} is on another bus`,
        ),
        ...unless((inputs.state ?? "ENABLED") === "ENABLED", `rule ${inputs.name} is disabled`),
      ]),
    ];
  },
};

const targetsAreTheQueues: Check = {
  name: "targets-are-the-queues",
  broken: (deployment) =>
    Object.entries(routes).flatMap(([name, route]) => {
      const targets = targetsOf(deployment, name);
      return [
        ...unless(targets.length === 1, `rule ${name} has ${targets.length} targets instead of one`),
        ...targets.flatMap(({ inputs }) => [
          ...unless(
            isQueue(inputs.arn, deployment.stage, route.queue),
            `rule ${name} delivers to ${inputs.arn}`,
          ),
          ...unless(
            inputs.inputTransformer?.inputTemplate === inputTemplate(route),
            `rule ${name} delivers ${inputs.inputTransformer?.inputTemplate}`,
          ),
          ...unless(
            inputs.sqsTarget?.messageGroupId === route.messageGroup,
            `rule ${name} groups by ${inputs.sqsTarget?.messageGroupId}: a large task would hold up the others`,
          ),
        ]),
      ];
    }),
};

const undeliveredIsKept: Check = {
  name: "undelivered-is-kept",
  broken: (deployment) =>
    ofType(deployment, "EventTarget").flatMap(({ inputs }) => [
      ...unless(
        isQueue(inputs.deadLetterConfig?.arn, deployment.stage, UNDELIVERED_QUEUE),
        `what rule ${inputs.rule} cannot deliver is dropped`,
      ),
      ...unless(
        within(inputs.retryPolicy?.maximumEventAgeInSeconds, EVENT_AGE_SECONDS) &&
          within(inputs.retryPolicy?.maximumRetryAttempts, RETRIES),
        `rule ${inputs.rule} retries without a bound of ours, or hardly`,
      ),
    ]),
};

const factsHaveASource: Check = {
  name: "facts-have-a-source",
  broken: (deployment) =>
    ofType(deployment, "EventRule").flatMap(({ inputs }) => {
      const pattern = JSON.parse(inputs.eventPattern) as { source?: string[]; "detail-type"?: string[] };
      const types = pattern["detail-type"] ?? ["every type"];
      const facts = types.filter((type) => !(callerTypes as readonly string[]).includes(type));
      return unless(
        facts.length === 0 || same(pattern.source, [SOURCE]),
        `rule ${inputs.name} takes ${facts.join(", ")} from anyone`,
      );
    }),
};

const workFailsAsSomething: Check = {
  name: "work-fails-as-something",
  broken: (deployment) =>
    ofType(deployment, "EventTarget")
      .filter(({ inputs }) => !isQueue(inputs.arn, deployment.stage, "projection-queue"))
      .flatMap(({ inputs }) =>
        unless(
          /^\{"failsAs":"(TaskRejected|SegmentFailed|TaskStepFailed)",/.test(
            inputs.inputTransformer?.inputTemplate ?? "",
          ),
          `a dead message of rule ${inputs.rule} would hang its task: it has no failsAs`,
        ),
      ),
};

export const routeChecks: readonly Check[] = [
  busIsNamedAndLogs,
  rulesAreTheRoutes,
  targetsAreTheQueues,
  undeliveredIsKept,
  factsHaveASource,
  workFailsAsSomething,
];
