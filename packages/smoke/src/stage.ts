/** The stage that is checked: its names, and clients with the operator's permissions. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type Ferry, ferryOf } from "@ferry/client/ferry";
import { openStage, type Stage, type StageOptions } from "@ferry/client/stage/stage";
import { physicalName } from "@ferry/core/topology";

interface RunNames {
  readonly bucket: string;
  /** The id of this run, part of every name that it creates. */
  readonly run: string;
}

export interface DeployedStage extends RunNames {
  readonly name: string;
  /** The region of the stage and of the smoke test's tables. */
  readonly region: string;
  readonly ferry: Ferry;
  readonly db: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
}

export async function openDeployedStage(options: StageOptions, names: RunNames): Promise<DeployedStage> {
  return deployedStage(await openStage(options), names);
}

export function deployedStage(stage: Stage, { bucket, run }: RunNames): DeployedStage {
  const { name, region, access } = stage;
  return {
    name,
    region,
    bucket,
    run,
    ferry: ferryOf(stage),
    db: access.dynamodb(region),
    events: access.events(region),
    s3: access.s3(region),
    sqs: access.client(SQSClient, region),
  };
}

/** The table that is backed up, and the one that is restored into. Their names are fixed: the stage's settings list them. */
export const sourceTable = (stage: DeployedStage): string => `ferry-${stage.name}-smoke`;
export const restoredTable = (stage: DeployedStage): string => `ferry-${stage.name}-smoke-restored`;

/** The prefix of this run's archives. */
export const archivePrefix = (stage: DeployedStage): string => `ferry-smoke/${stage.run}`;

export async function deployedQueueUrl(
  stage: DeployedStage,
  queue: Parameters<typeof physicalName>[1],
): Promise<string> {
  const { QueueUrl } = await stage.sqs.send(
    new GetQueueUrlCommand({ QueueName: physicalName(stage.name, queue) }),
  );
  return QueueUrl!;
}

/** Polls every second until the result is not undefined. Throws an Error after `seconds`. */
export async function waitFor<T>(
  what: string,
  seconds: number,
  poll: () => Promise<T | undefined>,
): Promise<T> {
  const until = Date.now() + seconds * 1_000;
  for (;;) {
    const result = await poll();
    if (result !== undefined) return result;
    if (Date.now() > until) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(1_000);
  }
}
