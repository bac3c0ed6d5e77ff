/** The Pipes to the bus: the front door, the report of failures, and the announcements of both status streams. */
import { SOURCE } from "@ferry/core/events";
import { type PipeSpec, pipes as pipeSpecs } from "@ferry/core/topology";
import { bus } from "./bus.ts";
import { arnOf, logical, named } from "./here.ts";
import { queues } from "./queues.ts";
import { serviceRole } from "./service-role.ts";
import { settings } from "./settings.ts";
import { status } from "./status.ts";

const undelivered = queues["undelivered-queue"].arn;

/** What the Pipe reads, and what its role needs for that. */
function sourceOf(from: PipeSpec["from"]) {
  if ("queue" in from) {
    const arn = queues[from.queue].arn;
    return {
      arn,
      parameters: { sqsQueueParameters: { batchSize: 1 } },
      statements: [
        { actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], resources: [arn] },
      ],
    };
  }
  const arn = status[from.table].nodes.table.streamArn;
  return {
    arn,
    parameters: {
      dynamodbStreamParameters: {
        batchSize: 10,
        startingPosition: "TRIM_HORIZON",
        // A day of retries would hold up every later announcement of the shard; endless is the default.
        maximumRetryAttempts: 20,
        maximumRecordAgeInSeconds: 4 * 3_600,
        onPartialBatchItemFailure: "AUTOMATIC_BISECT",
        deadLetterConfig: { arn: undelivered },
      },
    },
    statements: [
      {
        actions: ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
        resources: [arn],
      },
      // AWS offers ListStreams no narrower than the table's streams.
      { actions: ["dynamodb:ListStreams"], resources: [$interpolate`${status[from.table].arn}/stream/*`] },
      { actions: ["sqs:SendMessage"], resources: [undelivered] },
    ],
  };
}

function pipe(key: string, spec: PipeSpec) {
  const name = named(key);
  const source = sourceOf(spec.from);
  const role = serviceRole(`${logical(key)}PipeRole`, {
    name: `${name}-pipe`,
    service: "pipes.amazonaws.com",
    sourceArn: arnOf("pipes", `pipe/${name}`),
    statements: [
      ...source.statements,
      {
        actions: ["events:PutEvents"],
        resources: [bus.arn],
        conditions: [{ test: "StringEquals", variable: "events:source", values: [SOURCE] }],
      },
    ],
  });
  const logs = new aws.cloudwatch.LogGroup(`${logical(key)}PipeLogs`, {
    name: `/aws/vendedlogs/pipes/${name}`,
    retentionInDays: settings.logRetentionDays,
  });
  new aws.pipes.Pipe(`${logical(key)}Pipe`, {
    name,
    roleArn: role.arn,
    source: source.arn,
    sourceParameters: {
      ...source.parameters,
      // None on a queue: a message that does not match would be deleted.
      ...(spec.filters !== undefined && {
        filterCriteria: { filters: spec.filters.map((filter) => ({ pattern: JSON.stringify(filter) })) },
      }),
    },
    target: bus.arn,
    targetParameters: {
      eventbridgeEventBusParameters: { source: SOURCE, detailType: spec.detailType },
      inputTemplate: spec.inputTemplate,
    },
    logConfiguration: { level: "ERROR", cloudwatchLogsLogDestination: { logGroupArn: logs.arn } },
  });
  return { key, name };
}

export const pipes = Object.entries(pipeSpecs).map(([key, spec]) => pipe(key, spec));
