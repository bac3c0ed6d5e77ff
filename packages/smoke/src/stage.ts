/** The stage that is checked: its names, and clients with the operator's permissions. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { PipesClient } from "@aws-sdk/client-pipes";
import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { physicalName } from "@ferry/core/topology";

export interface DeployedStage {
  readonly name: string;
  /** The region of the stage and of the smoke test's tables. */
  readonly region: string;
  readonly bucket: string;
  /** The id of this run, part of every name that it creates. */
  readonly run: string;
  readonly db: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly pipes: PipesClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
}

export function stageOf(options: {
  name: string;
  region: string;
  bucket: string;
  run: string;
}): DeployedStage {
  const { region } = options;
  // The local host serves S3 at an IP address, to which a bucket cannot be prepended.
  const forcePathStyle = process.env["AWS_ENDPOINT_URL"] !== undefined;
  return {
    ...options,
    db: new DynamoDBClient({ region }),
    events: new EventBridgeClient({ region }),
    pipes: new PipesClient({ region }),
    s3: new S3Client({ region, forcePathStyle }),
    sqs: new SQSClient({ region }),
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
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
