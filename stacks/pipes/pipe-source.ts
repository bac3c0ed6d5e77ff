/** A Pipe's source, and the permissions that its role needs to read it. */
import { setTimeout } from "node:timers/promises";
import type { PipeSpec } from "@ferry/core/topology";
import { stageQueues } from "../queues/queues.ts";
import { statusTables } from "../tables/status-tables.ts";
import { waitForStreamMs } from "./new-stream.ts";

const undelivered = stageQueues["undelivered-queue"].arn;

export function pipeSource(from: PipeSpec["from"]) {
  if ("queue" in from) {
    const arn = stageQueues[from.queue].arn;
    return {
      arn,
      parameters: { sqsQueueParameters: { batchSize: 1 } },
      statements: [
        { actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], resources: [arn] },
      ],
    };
  }
  const arn = statusTables[from.table].nodes.table.streamArn.apply(async (stream) => {
    if (!$util.runtime.isDryRun()) await setTimeout(waitForStreamMs(stream, Date.now()));
    return stream;
  });
  return {
    arn,
    parameters: {
      dynamodbStreamParameters: {
        batchSize: 10,
        startingPosition: "TRIM_HORIZON",
        // Retries are endless by default, and a record that is retried delays every later announcement of its shard.
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
      // AWS authorises ListStreams on all streams of a table, not on one.
      {
        actions: ["dynamodb:ListStreams"],
        resources: [$interpolate`${statusTables[from.table].arn}/stream/*`],
      },
      { actions: ["sqs:SendMessage"], resources: [undelivered] },
    ],
  };
}
