import { Readable } from "node:stream";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { PIECE_BYTES_MAX } from "./http/pieces-http.ts";
import { visibilityOf } from "./queue.ts";
import { type Stub, startStub } from "./testing/stub-server.ts";

describe("the SDK's clients", () => {
  let stub: Stub;
  let status: number;
  let clients: typeof import("./clients.ts");
  beforeEach(async () => {
    status = 200;
    stub = await startStub(() => ({ status, headers: { "content-length": "2" }, body: "{}" }));
    vi.resetModules();
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    vi.stubEnv("AWS_REGION", "eu-west-1");
    clients = await import("./clients.ts");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await stub.close();
  });
  const regionOf = (n: number) =>
    /Credential=test\/\d+\/([a-z0-9-]+)\/([a-z0-9]+)\//
      .exec(String(stub.requests[n]?.headers.authorization))
      ?.slice(1);

  it("there is one client per service and region", () => {
    expect(clients.dynamodbClient("us-east-1")).toBe(clients.dynamodbClient("us-east-1"));
    expect(clients.dynamodbClient("us-east-1")).not.toBe(clients.dynamodbClient("us-west-2"));
    expect(clients.s3Client("us-east-1")).not.toBe(clients.s3Client());
  });

  it("no client copies the inputs and outputs of its calls for a logger", () => {
    for (const [name, client] of Object.entries(clients)) {
      const steps = client("us-east-1").middlewareStack.identify().join("\n");
      expect(steps, name).toContain("retryMiddleware");
      expect(steps, name).not.toContain("loggerMiddleware");
    }
  });

  it("the clients for tables' items try a call once, all others retry it", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    status = 500;
    const command = () => new DescribeTableCommand({ TableName: "orders" });
    await expect(clients.dynamodbClient("us-west-2").send(command())).rejects.toThrow();
    expect(stub.requests).toHaveLength(1);
    await expect(clients.retryingDynamodbClient("us-west-2").send(command())).rejects.toThrow();
    expect(stub.requests).toHaveLength(1 + 4);
  });

  it("the client for data files reads without the SDK's checksums, and retries", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    const read = async (client: S3Client) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: "archive", Key: "k" }));
      expect(await Body!.transformToString()).toBe("{}");
    };
    await read(clients.s3Client());
    await read(clients.s3ReadingClient());
    expect(stub.requests.map(({ headers }) => headers["x-amz-checksum-mode"])).toEqual([
      "ENABLED",
      undefined,
    ]);
    status = 500;
    await expect(read(clients.s3ReadingClient())).rejects.toThrow();
    expect(stub.requests).toHaveLength(2 + 4);
  });

  it("the client of S3 sends a large body in pieces", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    const handle = vi.spyOn(NodeHttpHandler.prototype, "handle");
    onTestFinished(() => handle.mockRestore());
    const Body = Buffer.alloc(PIECE_BYTES_MAX + 1);
    await clients.s3Client().send(new PutObjectCommand({ Bucket: "archive", Key: "k", Body }));
    expect(handle.mock.calls.map(([{ body }]) => body)).toEqual([expect.any(Readable)]);
    expect(stub.requests[0]!.body.equals(Body)).toBe(true);
  });

  it("a worker opens objects by that client, and gets them whole by the other one", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    const { workerPorts } = await import("./lambda/worker-ports.ts");
    const { archive } = workerPorts({
      workerTable: "worker-table",
      statusTables: { backup: "backup-table", restore: "restore-table" },
      bus: "bus",
    });
    const bucket = { region: "eu-west-1", name: "archive" };
    await archive.get(bucket, "k");
    const opened = await archive.open(bucket, "k");
    for await (const chunk of opened!.chunks) expect(Buffer.from(chunk).toString()).toBe("{}");
    expect(stub.requests.map(({ headers }) => headers["x-amz-checksum-mode"])).toEqual([
      "ENABLED",
      undefined,
    ]);
  });

  it("calls go to the configured endpoint, signed for the client's region", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    await clients.dynamodbClient("us-west-2").send(new DescribeTableCommand({ TableName: "orders" }));
    await clients
      .s3Client("ap-south-1")
      .send(new ListBucketsCommand())
      .catch(() => {});
    expect(regionOf(0)).toEqual(["us-west-2", "dynamodb"]);
    expect(regionOf(1)).toEqual(["ap-south-1", "s3"]);
  });

  it("calls to DynamoDB go to the region's own endpoint if one is configured", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    vi.stubEnv("FERRY_DYNAMODB_ENDPOINT_US_WEST_2", stub.endpoint);
    await clients.dynamodbClient("us-west-2").send(new DescribeTableCommand({ TableName: "orders" }));
    expect(stub.requests).toHaveLength(1);
    vi.stubEnv("FERRY_DYNAMODB_ENDPOINT_EU_WEST_1", stub.endpoint);
    await clients.retryingDynamodbClient().send(new DescribeTableCommand({ TableName: "orders" }));
    expect(regionOf(1)).toEqual(["eu-west-1", "dynamodb"]);
  });

  it("calls to SQS go to the configured endpoint, whatever the queue's URL", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_SQS", stub.endpoint);
    const command = {
      QueueUrl: "https://sqs.eu-west-1.amazonaws.com/1/q",
      ReceiptHandle: "r",
      VisibilityTimeout: 1,
    };
    await clients.sqsClient().send(new ChangeMessageVisibilityCommand(command));
    expect(stub.requests[0]?.headers.host).toContain("127.0.0.1");
  });

  it.each([
    [29.2, 30],
    [-5, 0],
    [90_000, 43_200],
  ])("a visibility of %f s is sent as %i s, within SQS's limits", async (seconds, sent) => {
    vi.stubEnv("AWS_ENDPOINT_URL", stub.endpoint);
    await visibilityOf(clients.sqsClient(), "http://127.0.0.1/q")("handle", seconds);
    expect(JSON.parse(stub.requests[0]!.body.toString())).toEqual({
      QueueUrl: "http://127.0.0.1/q",
      ReceiptHandle: "handle",
      VisibilityTimeout: sent,
    });
  });
});
