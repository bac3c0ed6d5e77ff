/** The Pipes: the topology's, able to do their work, and bounded when it cannot be done. */
import { type PipeSpec, physicalName, pipes, UNDELIVERED_QUEUE } from "@ferry/core/topology";
import { type Check, type Deployment, differences, ofType, same, unless } from "./check.ts";
import { rolesOf } from "./policies.ts";

const pipeName = (stage: string, key: string) => `ferry-${stage}-${key}`;

/** Each Pipe of the topology with what the graph has of it. */
const pairs = (deployment: Deployment) =>
  Object.entries(pipes).map(([key, spec]: [string, PipeSpec]) => ({
    key,
    spec,
    inputs:
      ofType(deployment, "Pipe").find(({ inputs }) => inputs.name === pipeName(deployment.stage, key))
        ?.inputs ?? {},
  }));

const isSource = (stage: string, { from }: PipeSpec, arn = "") =>
  "queue" in from
    ? arn.endsWith(`:${physicalName(stage, from.queue)}`)
    : arn.includes(`:table/${physicalName(stage, from.table)}/stream/`);

const pipesAreTheTopologys: Check = {
  name: "pipes-are-the-topologys",
  broken: (deployment) => [
    ...differences(
      "Pipe",
      Object.keys(pipes).map((key) => pipeName(deployment.stage, key)),
      ofType(deployment, "Pipe").map(({ inputs }) => inputs.name),
    ),
    ...pairs(deployment).flatMap(({ key, spec, inputs }) => {
      const patterns = (inputs.sourceParameters?.filterCriteria?.filters ?? []).map(
        ({ pattern }: { pattern: string }) => JSON.parse(pattern),
      );
      const target = inputs.targetParameters ?? {};
      return [
        ...unless(isSource(deployment.stage, spec, inputs.source), `${key} reads ${inputs.source}`),
        ...unless(
          inputs.target?.endsWith(`:event-bus/${physicalName(deployment.stage, "bus")}`) === true,
          `${key} puts to ${inputs.target}`,
        ),
        ...unless(
          target.eventbridgeEventBusParameters?.detailType === spec.detailType &&
            target.eventbridgeEventBusParameters?.source === "ferry",
          `${key} says ${JSON.stringify(target.eventbridgeEventBusParameters)}`,
        ),
        ...unless(target.inputTemplate === spec.inputTemplate, `${key} has another input template`),
        ...unless(same(patterns, spec.filters ?? []), `${key} filters ${JSON.stringify(patterns)}`),
        ...unless(
          inputs.desiredState === undefined || inputs.desiredState === "RUNNING",
          `${key} is stopped`,
        ),
      ];
    }),
  ],
};

const pipesMayDoTheirWork: Check = {
  name: "pipes-may-do-their-work",
  broken: (deployment) =>
    pairs(deployment).flatMap(({ key, inputs }) => {
      const role = rolesOf(deployment).find(({ name }) => inputs.roleArn?.endsWith(`:role/${name}`));
      const may = (action: string, resource: string) =>
        role?.statements.some(
          (statement) => statement.Action.includes(action) && statement.Resource.includes(resource),
        ) ?? false;
      const reads = String(inputs.source).startsWith("arn:aws:sqs:")
        ? ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        : ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
      const deadLetters = inputs.sourceParameters?.dynamodbStreamParameters?.deadLetterConfig?.arn;
      return [
        ...reads.flatMap((action) =>
          unless(may(action, inputs.source), `${key} may not ${action} on its source`),
        ),
        ...unless(may("events:PutEvents", inputs.target), `${key} may not put on the bus`),
        ...unless(
          deadLetters === undefined || may("sqs:SendMessage", deadLetters),
          `${key} may not set aside what it gives up`,
        ),
      ];
    }),
};

const pipesAreBounded: Check = {
  name: "pipes-are-bounded",
  broken: (deployment) =>
    pairs(deployment).flatMap(({ key, spec, inputs }) => {
      if ("queue" in spec.from) return []; // the queue's own attempts and dead letters bound it
      const stream = inputs.sourceParameters?.dynamodbStreamParameters ?? {};
      return [
        ...unless(stream.maximumRetryAttempts > 0, `${key} retries for ever: one record blocks its shard`),
        ...unless(stream.maximumRecordAgeInSeconds > 0, `${key} keeps at records of any age`),
        ...unless(
          stream.deadLetterConfig?.arn?.endsWith(`:${physicalName(deployment.stage, UNDELIVERED_QUEUE)}`) ===
            true,
          `what ${key} gives up is lost`,
        ),
        ...unless(
          stream.startingPosition === "TRIM_HORIZON",
          `${key} skips what is in the stream when it starts`,
        ),
        ...unless(
          stream.onPartialBatchItemFailure === "AUTOMATIC_BISECT",
          `${key} gives up whole batches for one record`,
        ),
      ];
    }),
};

const pipesLog: Check = {
  name: "pipes-log",
  broken: (deployment) =>
    pairs(deployment).flatMap(({ key, inputs }) =>
      unless(
        inputs.logConfiguration?.level === "ERROR" &&
          inputs.logConfiguration.cloudwatchLogsLogDestination?.logGroupArn?.endsWith(
            `:log-group:/aws/vendedlogs/pipes/${pipeName(deployment.stage, key)}`,
          ),
        `${key} does not log its errors`,
      ),
    ),
};

export const pipeChecks: readonly Check[] = [
  pipesAreTheTopologys,
  pipesMayDoTheirWork,
  pipesAreBounded,
  pipesLog,
];
