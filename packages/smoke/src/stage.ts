/** The stage that is tried: its names, and clients to it with the operator's own rights. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SQSClient } from "@aws-sdk/client-sqs";
import { physicalName } from "@ferry/core/topology";

export interface Stage {
  readonly name: string;
  /** Where the stage is deployed, and the smoke's tables are made. */
  readonly region: string;
  readonly bucket: string;
  /** Of this run: part of every name it makes. */
  readonly run: string;
  readonly db: DynamoDBClient;
  readonly events: EventBridgeClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
}

export function stageOf(about: { name: string; region: string; bucket: string; run: string }): Stage {
  const { region } = about;
  // The local host has S3 on one port, where a bucket cannot be part of the host's name.
  const forcePathStyle = process.env["AWS_ENDPOINT_URL"] !== undefined;
  return {
    ...about,
    db: new DynamoDBClient({ region }),
    events: new EventBridgeClient({ region }),
    s3: new S3Client({ region, forcePathStyle }),
    sqs: new SQSClient({ region }),
  };
}

/** The table that is backed up, and the one that is restored into. Fixed: the stage's settings list them. */
export const sourceTable = (stage: Stage): string => `ferry-${stage.name}-smoke`;
export const restoredTable = (stage: Stage): string => `ferry-${stage.name}-smoke-restored`;

/** Where this run's archives are. */
export const prefixOf = (stage: Stage): string => `ferry-smoke/${stage.run}`;

export async function queueUrl(stage: Stage, queue: Parameters<typeof physicalName>[1]): Promise<string> {
  const { QueueUrl } = await stage.sqs.send(
    new GetQueueUrlCommand({ QueueName: physicalName(stage.name, queue) }),
  );
  return QueueUrl!;
}

/** Calls until it gives something, for `seconds` at most. */
export async function eventually<T>(
  what: string,
  seconds: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const until = Date.now() + seconds * 1_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > until) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
