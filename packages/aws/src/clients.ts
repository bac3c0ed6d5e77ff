/**
 * The SDK's clients, one per service and region for the life of the process, so that connections are reused.
 *
 * Endpoints and credentials follow the SDK's own conventions (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`, `AWS_REGION`,
 * profiles, roles…). Ferry adds one variable for the local host, where each region is a separate DynamoDB:
 * `FERRY_DYNAMODB_ENDPOINT_<REGION>`, the region in capitals with `_` for `-`, for instance
 * `FERRY_DYNAMODB_ENDPOINT_EU_WEST_1=http://127.0.0.1:8001`.
 */
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { leanHttpHandler } from "./http/lean-http.ts";
import { objectHttpHandler } from "./http/object-http.ts";
import { piecesHttpHandler } from "./http/pieces-http.ts";
import { RawProtocol } from "./http/raw-protocol.ts";

// The creation of each client is marked as pure, so that a function's bundle contains only the clients that it uses.

/** Tries of one call, the first included. */
const TRIES_MAX = 4;
/** Connections per client: a restore that must use conditional puts has 200 calls in flight. */
const SOCKETS_MAX = 256;

const connections = {
  connectionTimeoutMs: 5_000,
  /** Between two bytes. A dead connection would never end. */
  socketTimeoutMs: 30_000,
  maxSockets: SOCKETS_MAX,
};

const common = {
  maxAttempts: TRIES_MAX,
  requestHandler: {
    connectionTimeout: connections.connectionTimeoutMs,
    // Until the response's head. No call takes that long, but a dead connection would never end.
    requestTimeout: 60_000,
    throwOnRequestTimeout: true,
    // While a body is transferred.
    socketTimeout: connections.socketTimeoutMs,
    httpAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
    httpsAgent: { keepAlive: true, maxSockets: SOCKETS_MAX },
  },
} as const;

/**
 * A region's DynamoDB, for the items of tables. It tries each call once: a try consumes capacity even if its response is
 * lost, so core reserves capacity for each one (`TRIES_MAX` in packages/core/src/pacing/pacing.ts).
 * It uses RawProtocol: its Scan returns raw bodies, not items.
 */
export const dynamodbClient = /* @__PURE__ */ memoized((region) =>
  dynamodb(region, { maxAttempts: 1, requestHandler: leanHttpHandler(connections) }),
);

/**
 * A region's DynamoDB, for descriptions of tables and for Ferry's own tables. The default is the environment's region. The
 * SDK retries failed calls.
 */
export const retryingDynamodbClient = /* @__PURE__ */ memoized((region) => dynamodb(region, {}));

function dynamodb(region: string | undefined, options: DynamoDBClientConfig): DynamoDBClient {
  const endpoint = endpointOf(region ?? process.env["AWS_REGION"]);
  return new DynamoDBClient({
    ...common,
    ...options,
    ...regionOf(region),
    ...(endpoint !== undefined && { endpoint }),
    protocol: RawProtocol,
  });
}

/** A region's S3. */
export const s3Client = /* @__PURE__ */ memoized(
  (region) =>
    new S3Client({
      ...common,
      ...regionOf(region),
      requestHandler: piecesHttpHandler(new NodeHttpHandler(common.requestHandler)),
    }),
);

/**
 * A region's S3, for the content of data files. Their MD5 is compared with the recorded one, so the SDK need not compute another checksum
 * of each byte.
 */
export const s3ReadingClient = /* @__PURE__ */ memoized(
  (region) =>
    new S3Client({
      ...common,
      ...regionOf(region),
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: objectHttpHandler(connections, new NodeHttpHandler(common.requestHandler)),
    }),
);

/** EventBridge, by default of the environment's region. */
export const eventBridgeClient = /* @__PURE__ */ memoized(
  (region) => new EventBridgeClient({ ...common, ...regionOf(region) }),
);

/** SQS, by default of the environment's region. Calls go to the configured endpoint, whatever a queue's URL. */
export const sqsClient = /* @__PURE__ */ memoized(
  (region) => new SQSClient({ ...common, ...regionOf(region), useQueueUrlAsEndpoint: false }),
);

/** What the SDK's clients have in common. */
interface AnyClient {
  readonly middlewareStack: { remove(name: string): boolean };
}

function memoized<Client extends AnyClient>(
  make: (region: string | undefined) => Client,
): (region?: string) => Client {
  const clients = new Map<string | undefined, Client>();
  return (region) => {
    let client = clients.get(region);
    if (client === undefined) {
      client = make(region);
      // It copies the input and output of each call for the client's logger, and the clients have none.
      client.middlewareStack.remove("loggerMiddleware");
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
