import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteRuleCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { whyNoAwsTools } from "@ferry/contracts/aws-tools";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Engines, startEngines } from "./start.ts";

let engines: Engines;
const log: string[] = [];
beforeAll(async () => {
  engines = await startEngines(
    {
      stage: "local",
      homeRegion: "us-east-1",
      port: 0,
      duplicate: false,
      retryDelaySeconds: 0,
      reportedTypes: [],
    },
    (line) => log.push(line),
  );
});
afterAll(async () => await engines.stop());

/** The configuration of a client: endpoint, region, credentials. */
const configFor = (region: string) => ({
  endpoint: engines.endpoint,
  region,
  credentials: { accessKeyId: "any", secretAccessKey: "any" },
});

describe.each(["us-east-1", "eu-west-1"])("stock clients in %s", (region) => {
  test("DynamoDB: each region has separate tables", async () => {
    const dynamodb = new DynamoDBClient(configFor(region));
    const { TableDescription } = await dynamodb.send(
      new CreateTableCommand({
        TableName: "songs",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      }),
    );
    expect(TableDescription?.TableArn).toBe(`arn:aws:dynamodb:${region}:000000000000:table/songs`);
    await waitUntilTableExists({ client: dynamodb, maxWaitTime: 300, minDelay: 0.1 }, { TableName: "songs" });
    await dynamodb.send(new PutItemCommand({ TableName: "songs", Item: { id: { S: region } } }));
    for (const TableName of ["songs", TableDescription?.TableArn]) {
      const { Items } = await dynamodb.send(new ScanCommand({ TableName }));
      expect(Items).toEqual([{ id: { S: region } }]);
    }
  });

  test("SQS: a queue's URL is usable as returned", async () => {
    const sqs = new SQSClient(configFor(region));
    await sqs.send(new CreateQueueCommand({ QueueName: "same-name" }));
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: "same-name" }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }),
    );
    expect(Attributes).toEqual({ QueueArn: `arn:aws:sqs:${region}:000000000000:same-name` });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: region, MessageGroupId: "g" }));
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map((message) => message.Body)).toEqual([region]);
  });

  test("S3: an object larger than 11 MiB is stored and read", async () => {
    const s3 = new S3Client(configFor(region));
    const Bucket = `archives-${region}`;
    await s3.send(new CreateBucketCommand({ Bucket }));
    const Body = Buffer.alloc(20 * 1024 * 1024, region);
    await s3.send(new PutObjectCommand({ Bucket, Key: "a/b", Body, Metadata: { items: "3" } }));
    const object = await s3.send(new GetObjectCommand({ Bucket, Key: "a/b" }));
    expect(Body.equals(await object.Body!.transformToByteArray())).toBe(true);
    expect(object.Metadata).toEqual({ items: "3" });
  });
});

test("SQS accepts every character that AWS accepts, and refuses the others", async () => {
  const sqs = new SQSClient(configFor("us-east-1"));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "characters" }));
  const accepted = '{"\u{1F600}":"\u{10FFFF}\u{10000} \t\n\r\uD7FF\uE000\uFFFD"}';
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: accepted }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.[0]?.Body).toBe(accepted);
  for (const refused of ["\u0001", "\uFFFE"])
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: refused }))).rejects.toMatchObject({
      name: expect.stringMatching(/InvalidMessageContents$/),
    });
});

describe("conditional puts", () => {
  let s3: S3Client;
  beforeAll(async () => {
    s3 = new S3Client({ ...configFor("us-east-1"), maxAttempts: 1 });
    await s3.send(new CreateBucketCommand({ Bucket: "conditions" }));
  });
  const put = (Key: string, Body: string, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket: "conditions", Key, Body, ...more }));
  const read = async (Key: string) =>
    (await s3.send(new GetObjectCommand({ Bucket: "conditions", Key }))).Body!.transformToString();

  test("an empty object is stored, also under a key that ends with a slash and without a content type", async () => {
    for (const key of ["empty", "folder/"]) {
      await put(key, "");
      expect(await read(key)).toBe("");
    }
    // As the AWS CLI sends it: without a body and without a type.
    const response = await fetch(`${engines.endpoint}/conditions/bare`, {
      method: "PUT",
      headers: {
        authorization: "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, Signature=0",
      },
    });
    expect(response.status).toBe(200);
    expect(await read("bare")).toBe("");
    await expect(put("empty", "", { IfNoneMatch: "*" })).rejects.toMatchObject({
      name: "PreconditionFailed",
    });
  });

  const aws = promisify(execFile);
  if (whyNoAwsTools !== undefined) test.skip(`the AWS CLI stores empty objects: ${whyNoAwsTools}`, () => {});
  else
    test("the AWS CLI stores empty objects, in both of its ways", async () => {
      const folder = await mkdtemp(join(tmpdir(), "ferry-empty-"));
      const env = {
        PATH: process.env["PATH"],
        HOME: folder,
        AWS_ENDPOINT_URL: engines.endpoint,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "any",
        AWS_SECRET_ACCESS_KEY: "any",
      };
      try {
        const file = join(folder, "_started");
        await writeFile(file, "");
        await aws("aws", ["s3", "cp", file, "s3://conditions/cli/_started"], { env });
        await aws("aws", ["s3api", "put-object", "--bucket", "conditions", "--key", "cli/folder/"], { env });
        for (const key of ["cli/_started", "cli/folder/"]) expect(await read(key)).toBe("");
      } finally {
        await rm(folder, { recursive: true });
      }
    });

  test("one of twenty concurrent writers stores, and the others receive PreconditionFailed", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, writer) => put("p/0x0000/a b+c.gz", `${writer}`, { IfNoneMatch: "*" })),
    );
    const stored = outcomes.flatMap(({ status }, writer) => (status === "fulfilled" ? [`${writer}`] : []));
    expect(stored).toHaveLength(1);
    expect(await read("p/0x0000/a b+c.gz")).toBe(stored[0]);
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({
          name: "PreconditionFailed",
          $metadata: { httpStatusCode: 412 },
        });
  });

  test("IfMatch succeeds only with the stored version's ETag", async () => {
    const { ETag } = await put("m", "1");
    await expect(put("m", "2", { IfMatch: '"other"' })).rejects.toMatchObject({ name: "PreconditionFailed" });
    await put("m", "3", { IfMatch: ETag });
    expect(await read("m")).toBe("3");
    await expect(put("none", "1", { IfMatch: ETag })).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  test("a missing bucket is NoSuchBucket, and a missing object is 404", async () => {
    const Bucket = "no-such-bucket";
    for (const more of [{}, { IfNoneMatch: "*" }])
      await expect(
        s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x", ...more })),
      ).rejects.toMatchObject({ name: "NoSuchBucket" });
    await expect(s3.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: "NoSuchBucket",
    });
    await expect(s3.send(new HeadObjectCommand({ Bucket: "conditions", Key: "x" }))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 404 },
    });
  });

  test("a bucket of another expected owner is denied", async () => {
    await put("o", "1", { ExpectedBucketOwner: "000000000000" });
    await expect(put("o", "2", { ExpectedBucketOwner: "111111111111" })).rejects.toMatchObject({
      name: "AccessDenied",
    });
    expect(await read("o")).toBe("1");
  });
});

describe("EventBridge", () => {
  const entry = { Source: "test", DetailType: "T", Detail: "{}" };
  const put = (region: string, Entries: object[]) =>
    new EventBridgeClient(configFor(region)).send(new PutEventsCommand({ Entries }));

  test("a malformed entry fails alone; too many entries fail the whole call", async () => {
    const output = await put("us-east-1", [
      { ...entry, EventBusName: "ferry-local" },
      { ...entry, Detail: "[]" },
    ]);
    expect(output.FailedEntryCount).toBe(1);
    expect(output.Entries).toMatchObject([{ EventId: expect.any(String) }, { ErrorCode: "MalformedDetail" }]);
    await expect(put("us-east-1", Array(11).fill(entry))).rejects.toMatchObject({
      name: "ValidationException",
    });
  });

  test("an event to a missing bus is accepted and dropped, with a line in the log", async () => {
    for (const [region, bus] of [
      ["us-east-1", "missing-bus"],
      ["eu-west-1", "ferry-local"],
    ] as const) {
      const output = await put(region, [{ ...entry, EventBusName: bus }]);
      expect(output.FailedEntryCount).toBe(0);
      await expect.poll(() => log.join("\n")).toContain(`was put to bus "${bus}" in ${region}`);
    }
  });

  test("a client's rule delivers matching events to its queue, until it is removed", async () => {
    const events = new EventBridgeClient(configFor("us-east-1"));
    const sqs = new SQSClient(configFor("us-east-1"));
    const bus = { EventBusName: "ferry-local" };
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "listener" }));
    const { RuleArn } = await events.send(
      new PutRuleCommand({ ...bus, Name: "listener", EventPattern: '{"source":["me"]}', Description: "d" }),
    );
    expect(RuleArn).toBe("arn:aws:events:us-east-1:000000000000:rule/ferry-local/listener");
    const Arn = "arn:aws:sqs:us-east-1:000000000000:listener";
    const Targets = [{ Id: "q", Arn, SqsParameters: { MessageGroupId: "$.id" } }];
    const put = await events.send(new PutTargetsCommand({ ...bus, Rule: "listener", Targets }));
    expect(put.FailedEntryCount).toBe(0);
    const send = (Source: string) =>
      events.send(
        new PutEventsCommand({ Entries: [{ ...bus, Source, DetailType: "Ping", Detail: '{"a":1}' }] }),
      );
    await send("you");
    const { Entries } = await send("me");
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10 }),
    );
    expect(Messages.map(({ Body }) => JSON.parse(Body!))).toMatchObject([
      { id: Entries![0]!.EventId, source: "me", "detail-type": "Ping", detail: { a: 1 } },
    ]);
    expect((await events.send(new ListRulesCommand({ ...bus, NamePrefix: "list" }))).Rules).toMatchObject([
      { Name: "listener", Description: "d" },
    ]);
    await events.send(new RemoveTargetsCommand({ ...bus, Rule: "listener", Ids: ["q"] }));
    await events.send(new DeleteRuleCommand({ ...bus, Name: "listener" }));
    expect((await events.send(new ListRulesCommand(bus))).Rules).toEqual([]);
    await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: "listener" }))).rejects.toThrow();
    await expect(events.send(new ListRulesCommand({}))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });

  test("other operations are refused", async () => {
    await expect(
      new EventBridgeClient(configFor("us-east-1")).send(new DescribeEventBusCommand({})),
    ).rejects.toMatchObject({
      name: "UnknownOperationException",
      message: expect.stringContaining("PutEvents, PutRule"),
    });
  });
});

test("an unsigned request, and one to another service, receive the list of services", async () => {
  const unsigned = await fetch(engines.endpoint);
  expect(unsigned.status).toBe(400);
  expect(await unsigned.text()).toContain("dynamodb, events (PutEvents, rules to queues), s3 and sqs");
  const authorization =
    "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=h, Signature=0";
  const other = await fetch(engines.endpoint, { method: "POST", headers: { authorization } });
  expect(await other.json()).toMatchObject({ message: expect.stringContaining('no service "kinesis"') });
});

test("given a client that disconnects during a request, later requests succeed", async () => {
  const { hostname, port } = new URL(engines.endpoint);
  const socket = connect(Number(port), hostname);
  const head = [
    "POST / HTTP/1.1",
    "host: localhost",
    "content-length: 100",
    "authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=h, Signature=0",
    // The server answers it once it has read the head.
    "expect: 100-continue",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n{"TableName":`);
  await once(socket, "data");
  socket.destroy();
  const { Items } = await new DynamoDBClient(configFor("us-east-1")).send(
    new ScanCommand({ TableName: "ferry-local-segment-table" }),
  );
  expect(Items).toEqual([]);
});

describe("SQS called from the host's thread", () => {
  const url = (name: string) => `${engines.endpoint}/us-east-1/000000000000/${name}`;

  test("answers a call", async () => {
    const call = { QueueUrl: url("ferry-local-backup-queue"), WaitTimeSeconds: 0 };
    const { Messages = [] } = await engines.sqs("ReceiveMessage", call);
    expect(Messages).toEqual([]);
  });

  test("throws SQS's error, with its name and message", async () => {
    await expect(engines.sqs("ReceiveMessage", { QueueUrl: url("no-such-queue") })).rejects.toMatchObject({
      name: expect.stringMatching(/QueueDoesNotExist|NonExistentQueue/),
      message: expect.stringContaining("queue"),
    });
  });
});
