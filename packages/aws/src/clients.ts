/**
 * The SDK's clients, one per service and region for the life of the process, so that connections are kept.
 *
 * Endpoints and credentials follow the SDK's own conventions (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, `AWS_REGION`,
 * profiles, roles…). One thing is ours, for the local host, where each region is a DynamoDB of its own:
 * `FERRY_DYNAMODB_ENDPOINT_<REGION>`, the region in capitals with `_` for `-`, for instance
 * `FERRY_DYNAMODB_ENDPOINT_EU_WEST_1=http://127.0.0.1:8001`.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { RawProtocol } from "./raw-protocol.ts";

/** Tries of one call, the first included; then the error is thrown. */
const TRIES_MAX = 4;
/** Connections per client: a restore with conditional puts has 200 calls in flight, where statements are not possible. */
const SOCKETS_MAX = 256;

const common = {
  maxAttempts: TRIES_MAX,
  requestHandler: {
    connectionTimeout: 5_000,
    // Until the answer's head: no call of ours takes as long, but a dead connection would take for ever.
    requestTimeout: 60_000,
    throwOnRequestTimeout: true,
    // While a body is on its way.
    socketTimeout: 30_000,
    httpAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
    httpsAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
  },
} as const;

/**
 * A region's DynamoDB, for the items of tables. One try a call: a try consumes capacity even if its answer is lost, so
 * core makes each one in a turn of the task's ceiling (`TRIES_MAX` in packages/core/src/pacing.ts).
 * It speaks RawProtocol: its Scan answers raw bodies, not items.
 */
export const dynamodbClient = memoized((region) => dynamodb(region, { maxAttempts: 1 }));

/**
 * A region's DynamoDB, for descriptions of tables and for Ferry's own tables; without a region, that of the environment's
 * region. The SDK makes a failed call again.
 */
export const retryingDynamodbClient = memoized((region) => dynamodb(region, {}));

function dynamodb(region: string | undefined, tries: { maxAttempts?: number }): DynamoDBClient {
  const endpoint = endpointOf(region ?? process.env["AWS_REGION"]);
  return new DynamoDBClient({
    ...common,
    ...tries,
    ...regionOf(region),
    ...(endpoint !== undefined && { endpoint }),
    protocol: RawProtocol,
  });
}

/** A region's S3. */
export const s3Client = memoized((region) => new S3Client({ ...common, ...regionOf(region) }));

/** EventBridge of the environment's region. */
export const eventBridgeClient = memoized(
  (region) => new EventBridgeClient({ ...common, ...regionOf(region) }),
);

/** SQS of the environment's region, at the configured endpoint wherever a queue's URL may point. */
export const sqsClient = memoized(
  (region) => new SQSClient({ ...common, ...regionOf(region), useQueueUrlAsEndpoint: false }),
);

function memoized<Client>(make: (region: string | undefined) => Client): (region?: string) => Client {
  const clients = new Map<string | undefined, Client>();
  return (region) => {
    let client = clients.get(region);
    if (client === undefined) {
      client = make(region);
      clients.set(region, client);
    }
    return client;
  };
}

function regionOf(region: string | undefined): { region?: string } {
  return region === undefined ? {} : { region };
}

function endpointOf(region: string | undefined): string | undefined {
  return region && process.env[`FERRY_DYNAMODB_ENDPOINT_${region.toUpperCase().replaceAll("-", "_")}`];
}
