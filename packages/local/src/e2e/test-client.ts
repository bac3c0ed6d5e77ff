/**
 * The calls that a user of Ferry makes, with stock clients and no code of the engine, for the end-to-end tests.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import {
  type AttributeValue,
  DeleteItemCommand,
  DynamoDBClient,
  paginateScan,
  QueryCommand,
  type ScalarAttributeType,
} from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { physicalName } from "@ferry/core/topology";
import type { Host } from "../host.ts";
import { createEmptyTable, putItems } from "../load-table.ts";

type Item = Record<string, AttributeValue>;
type QueueName = Parameters<typeof physicalName>[1];

const SOURCE_REGION = "us-east-1";
const COPY_REGION = "eu-west-1";
const BUCKET_REGION = "eu-central-1";
const BUCKET = "archives";
const TIMEOUT_MS = 300_000;
/** The interval of a wait grows from the first to the second: a short wait ends soon, and a long one polls rarely. */
const POLL_MS_MIN = 50;
const POLL_MS_MAX = 500;

const ENDED = ["succeeded", "failed", "rejected", "cancelled"];

/** A client of a running host. Every table, prefix and request-id of a test contains the test's name. */
export type TestClient = Awaited<ReturnType<typeof createTestClient>>;

export async function createTestClient(host: Host) {
  Object.assign(process.env, host.env);
  const s3 = new S3Client({ region: BUCKET_REGION });
  const home = new DynamoDBClient();
  const sqs = new SQSClient();
  const bus = new EventBridgeClient();
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  /** A new client for each call would have new connections. */
  const clients = new Map<string, DynamoDBClient>();
  const dynamodb = (region: string): DynamoDBClient => {
    const client = clients.get(region) ?? new DynamoDBClient({ region });
    clients.set(region, client);
    return client;
  };

  async function query(table: string, name: string, value: string) {
    const { Items = [] } = await home.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "#k = :k",
        ExpressionAttributeNames: { "#k": name },
        ExpressionAttributeValues: { ":k": { S: value } },
      }),
    );
    return Items.map((item) => unmarshall(item));
  }

  async function until<T>(what: string, poll: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + TIMEOUT_MS;
    for (let delayMs = POLL_MS_MIN; Date.now() < end; delayMs = Math.min(1.5 * delayMs, POLL_MS_MAX)) {
      const found = await poll();
      if (found !== undefined) return found;
      await sleep(delayMs);
    }
    throw new Error(`${what} did not arrive within ${TIMEOUT_MS} ms`);
  }

  return {
    backupOf: (name: string) => ({
      action: "backup",
      "table-region": SOURCE_REGION,
      "table-name": name,
      "bucket-region": BUCKET_REGION,
      "bucket-name": BUCKET,
      "bucket-prefix": name,
    }),
    restoreOf: (name: string) => ({
      action: "restore",
      "table-region": COPY_REGION,
      "table-name": name,
      "bucket-region": BUCKET_REGION,
      "bucket-name": BUCKET,
      "bucket-prefix": name,
    }),

    /** Creates a table in both regions, and puts the items into that of the source region. */
    async createTables(
      name: string,
      items: readonly Item[] = [],
      keyType: ScalarAttributeType = "S",
      key = "id",
    ) {
      await createEmptyTable(dynamodb(SOURCE_REGION), name, [[key, "S"]]);
      await this.createCopy(name, keyType, key);
      await this.put(SOURCE_REGION, name, items);
    },
    /** Creates a table in the region of copies alone, for a restore of another table's archive. */
    async createCopy(name: string, keyType: ScalarAttributeType = "S", key = "id") {
      await createEmptyTable(dynamodb(COPY_REGION), name, [[key, keyType]]);
    },
    async createBucket(name: string) {
      await s3.send(new CreateBucketCommand({ Bucket: name }));
    },
    async put(region: string, table: string, items: readonly Item[]) {
      await putItems(dynamodb(region), table, items);
    },
    putInCopy(table: string, items: readonly Item[]) {
      return this.put(COPY_REGION, table, items);
    },
    async removeFromCopy(table: string, Key: Item) {
      await dynamodb(COPY_REGION).send(new DeleteItemCommand({ TableName: table, Key }));
    },
    async items(region: string, table: string): Promise<Item[]> {
      const items: Item[] = [];
      const client = dynamodb(region);
      for await (const page of paginateScan({ client }, { TableName: table }))
        items.push(...(page.Items ?? []));
      return items.sort((a, b) => ((a["id"]?.S ?? "") < (b["id"]?.S ?? "") ? -1 : 1));
    },
    copied(table: string) {
      return this.items(COPY_REGION, table);
    },
    /** Whether the tables of both regions hold the same items with the same attributes. */
    async identical(table: string): Promise<boolean> {
      const [source, copy] = await Promise.all([this.items(SOURCE_REGION, table), this.copied(table)]);
      return isDeepStrictEqual(source, copy);
    },

    /** Puts an event. Returns its id. */
    async putEvent(type: string, detail: unknown, source = "someone"): Promise<string> {
      const { FailedEntryCount, Entries = [] } = await bus.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: host.names.bus,
              Source: source,
              DetailType: type,
              Detail: JSON.stringify(detail),
            },
          ],
        }),
      );
      if (FailedEntryCount !== 0) throw new Error("the bus refused the event");
      return Entries[0]!.EventId!;
    },
    /** Requests a task with an event, as other systems do. Returns its row when it has ended. */
    async runTask(request: Record<string, unknown>, requestId: string) {
      await this.putEvent("TaskRequested", { request, "request-id": requestId });
      return this.ended(request, requestId);
    },
    /** Sends a message to request-queue, as callers of the older tool do. Returns its id. */
    async send(body: string): Promise<string> {
      const sent = await sqs.send(
        new SendMessageCommand({ QueueUrl: host.names.queueUrl("request-queue"), MessageBody: body }),
      );
      return sent.MessageId!;
    },

    rows(request: Record<string, unknown>) {
      return request["action"] === "restore"
        ? query(
            host.names.table("restore-table"),
            "key",
            `${request["bucket-region"]}-${request["bucket-name"]}-${request["bucket-prefix"]}`,
          )
        : query(
            host.names.table("backup-table"),
            "key",
            `${request["table-region"]}-${request["table-name"]}`,
          );
    },
    row(
      request: Record<string, unknown>,
      requestId: string,
      predicate: (row: Record<string, unknown>) => boolean,
    ) {
      return until(`the row of ${requestId}`, async () =>
        (await this.rows(request)).find((row) => row["request-id"] === requestId && predicate(row)),
      );
    },
    ended(request: Record<string, unknown>, requestId: string) {
      return this.row(request, requestId, (row) => ENDED.includes(String(row["state"])));
    },
    records: (row: Record<string, unknown>) =>
      query(host.names.table("segment-table"), "task", String(row["task-id"])),

    /** The next message in a queue. */
    received: (queue: QueueName) =>
      until(`a message of ${queue}`, async () => {
        const { Messages } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: host.names.queueUrl(queue), WaitTimeSeconds: 1 }),
        );
        return Messages?.[0];
      }),

    async keys(prefix: string): Promise<string[]> {
      const { Contents = [] } = await s3.send(
        new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }),
      );
      return Contents.map(({ Key = "" }) => Key);
    },
    async putObject(key: string, body: Uint8Array) {
      const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, Metadata }));
    },
    async putNewObject(key: string, text: string) {
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: text }));
    },
    async deleteObject(key: string) {
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
    },
    async object(key: string) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      return Body!.transformToByteArray();
    },
  };
}

/** Items with the hash key `id`, of several types. */
export function someItems(count: number, of = "source"): Item[] {
  return Array.from({ length: count }, (_, n) => ({
    id: { S: `item-${String(n).padStart(5, "0")}` },
    of: { S: of },
    number: { N: "12345678901234567890123456789012345678" },
    binary: { B: Uint8Array.from([n % 256, 0, 255]) },
    list: { L: [{ NULL: true }, { M: {} }, { S: 'quote " and \u2028' }] },
  }));
}
