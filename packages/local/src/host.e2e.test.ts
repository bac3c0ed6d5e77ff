import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { type BusEvent, type Message, parseMessage } from "@ferry/core/events";
import type { ConsumerName } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";
import { afterEach, expect, test } from "vitest";
import { type Host, type HostOptions, startHostWith } from "./host.ts";

let host: Host;
afterEach(async () => await host.stop());

const none: Handler = async () => {};
const client = () => ({
  endpoint: host.endpoint,
  region: host.homeRegion,
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});

async function start(handlers: Partial<Record<ConsumerName, Handler>>, options: HostOptions = {}) {
  host = await startHostWith({ settings: { retryDelaySeconds: 0 }, log: () => {}, ...options }, async () => ({
    backup: none,
    restore: none,
    projection: none,
    ...handlers,
  }));
}

/** A handler that keeps what it is given. */
function keeper() {
  const seen: Message[] = [];
  const handler: Handler = async (event) => {
    seen.push(...event.Records.map((record) => parseMessage(record.body)));
  };
  return { seen, handler };
}

async function put(type: string, detail: object, source = "ferry") {
  const { FailedEntryCount } = await new EventBridgeClient(client()).send(
    new PutEventsCommand({
      Entries: [
        { EventBusName: host.names.bus, Source: source, DetailType: type, Detail: JSON.stringify(detail) },
      ],
    }),
  );
  expect(FailedEntryCount).toBe(0);
}

const send = (queue: "request-queue" | "backup-queue" | "redrive-queue", MessageBody: string) =>
  new SQSClient(client()).send(new SendMessageCommand({ QueueUrl: host.names.queueUrl(queue), MessageBody }));

async function receive(queue: Parameters<Host["names"]["queueUrl"]>[0]) {
  const { Messages = [] } = await new SQSClient(client()).send(
    new ReceiveMessageCommand({
      QueueUrl: host.names.queueUrl(queue),
      WaitTimeSeconds: 10,
      MessageAttributeNames: ["All"],
    }),
  );
  return Messages;
}

const types = (messages: readonly { event: BusEvent }[]) => messages.map(({ event }) => event["detail-type"]);
const task = (action: string) => ({ action, id: "k@1", key: "k", timestamp: 1, "request-id": "r" });

test("requests reach their action's worker; one of no action the backup's", async () => {
  const backup = keeper();
  const restore = keeper();
  await start({ backup: backup.handler, restore: restore.handler });
  await put("TaskRequested", { request: { action: "backup" } }, "anyone");
  await put("TaskRequested", { request: { action: "restore" } }, "anyone");
  await put("TaskRequested", { request: {} }, "anyone");
  await expect.poll(() => [...backup.seen, ...restore.seen]).toHaveLength(3);
  const actions = (seen: readonly Message[]) =>
    seen.map(({ event }) => (event.detail as { request: { action?: string } }).request.action).sort();
  expect(actions(backup.seen)).toEqual(["backup", undefined]);
  expect(actions(restore.seen)).toEqual(["restore"]);
  expect(backup.seen[0]?.failsAs).toBe("TaskRejected");
});

test("a fact reaches projector and worker, but only Ferry's own", async () => {
  const backup = keeper();
  const projection = keeper();
  await start({ backup: backup.handler, projection: projection.handler });
  await put("SegmentQueued", { task: task("backup"), segment: 1 }, "someone-else");
  await put("SegmentQueued", { task: task("backup"), segment: 2 });
  // Sent last: what is not there before it does not come.
  await put("SegmentQueued", { task: task("backup"), segment: 3 });
  const segments = ({ seen }: typeof backup) =>
    seen.map(({ event }) => (event.detail as { segment: number }).segment).sort();
  await expect.poll(() => segments(backup)).toContain(3);
  await expect.poll(() => segments(projection)).toContain(3);
  expect(segments(backup)).toEqual([2, 3]);
  expect(segments(projection)).toEqual([2, 3]);
});

test("duplicate: every message comes twice, with the same event", async () => {
  const backup = keeper();
  await start({ backup: backup.handler }, { duplicate: true });
  await put("TaskRequested", { request: { action: "backup" } });
  await expect.poll(() => backup.seen).toHaveLength(2);
  expect(backup.seen[0]).toEqual(backup.seen[1]);
});

test("a message in the request-queue becomes a request under its id", async () => {
  const backup = keeper();
  await start({ backup: backup.handler });
  const { MessageId } = await send("request-queue", '{"action":"backup","x":"say \\"x\\""}');
  await expect.poll(() => backup.seen).toHaveLength(1);
  expect(backup.seen[0]?.event).toMatchObject({
    source: "ferry",
    detail: { request: { action: "backup", x: 'say "x"' }, "request-id": MessageId },
  });
});

test("a message that cannot be a request is set aside", async () => {
  await start({});
  await send("request-queue", "not JSON");
  await expect.poll(() => receive("request-dead-letters")).toMatchObject([{ Body: "not JSON" }]);
});

test("only what a batch reports as failed comes again", async () => {
  const times = new Map<string, number>();
  await start({
    projection: async (event) => {
      const failed = event.Records.filter((record) => {
        const step = String((parseMessage(record.body).event.detail as { step: string }).step);
        times.set(step, Number(record.attributes.ApproximateReceiveCount));
        return step === "bad" && record.attributes.ApproximateReceiveCount !== "3";
      });
      return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
    },
  });
  for (const step of ["good", "bad", "better"]) await put("TaskFinished", { step });
  await expect.poll(() => times.get("bad")).toBe(3);
  // Sent last: what has not come again before it does not come again.
  await put("TaskFinished", { step: "last" });
  await expect.poll(() => times.get("last")).toBe(1);
  expect(Object.fromEntries(times)).toEqual({ good: 1, bad: 3, better: 1, last: 1 });
});

test("a worker sees itself to when a message that it reports as failed comes again", async () => {
  let backups = 0;
  let projections = 0;
  await start({
    backup: async (event) => {
      backups++;
      return { batchItemFailures: event.Records.map((record) => ({ itemIdentifier: record.messageId })) };
    },
    projection: async (event) => {
      projections++;
      return { batchItemFailures: event.Records.map((record) => ({ itemIdentifier: record.messageId })) };
    },
  });
  await put("SegmentQueued", { task: task("backup") });
  await expect.poll(() => projections).toBe(10);
  // It did not: so the message waits for its visibility timeout, as on AWS.
  expect(backups).toBe(1);
});

test("how a task ends is heard; what another says of it is not", async () => {
  const heard: string[] = [];
  await start({}, { hear: (event) => heard.push(event["detail-type"]) });
  await put("TaskRejected", { cause: "forged" }, "someone-else");
  await put("TaskAccepted", { task: task("backup") });
  await put("TaskRejected", { cause: "x" });
  await expect.poll(() => heard).toEqual(["TaskRejected"]);
});

test("a worker that always throws: after its attempts the failure is an event", async () => {
  let invocations = 0;
  const projection = keeper();
  await start({
    projection: projection.handler,
    backup: async () => {
      invocations++;
      throw new Error("crashed");
    },
  });
  await put("SegmentQueued", { task: task("backup"), segment: 7 });
  await expect.poll(() => types(projection.seen)).toEqual(["SegmentQueued", "SegmentFailed"]);
  expect(invocations).toBe(5);
  expect(projection.seen[1]?.event.detail).toMatchObject({
    cause: "attempts-exhausted",
    step: "SegmentQueued",
    work: { segment: 7 },
    "event-id": projection.seen[0]?.event.id,
  });
});

test("a dead message that names no failure is set aside for good", async () => {
  await start({});
  await send("redrive-queue", '{"event":{"id":"e"}}');
  await expect.poll(() => receive("redrive-dead-letters")).toHaveLength(1);
});

test("a wrapped handler stands in for the handler", async () => {
  const backup = keeper();
  let thrown = 0;
  await start(
    { backup: backup.handler },
    {
      wrap: (consumer, handler) => async (event, context) => {
        if (consumer === "backup" && thrown++ === 0) throw new Error("lost once");
        return handler(event, context);
      },
    },
  );
  await put("TaskRequested", { request: { action: "backup" } });
  await expect.poll(() => backup.seen).toHaveLength(1);
  expect(thrown).toBe(2);
});

test("no more invocations at once than allowed, and as many", async () => {
  let now = 0;
  let most = 0;
  let done = 0;
  // Each invocation ends when three have begun.
  let three = Promise.withResolvers<void>();
  await start(
    {
      backup: async (event, context) => {
        most = Math.max(most, ++now);
        expect(event.Records).toHaveLength(1);
        expect(context.getRemainingTimeInMillis()).toBeGreaterThan(14 * 60_000);
        const { promise, resolve } = three;
        if (now === 3) {
          three = Promise.withResolvers();
          // One more, were it allowed, has begun by then.
          setImmediate(resolve);
        }
        await promise;
        now--;
        done++;
      },
    },
    { maximumConcurrency: 3 },
  );
  await Promise.all(
    Array.from({ length: 12 }, () => put("TaskRequested", { request: { action: "backup" } })),
  );
  await expect.poll(() => done).toBe(12);
  expect(most).toBe(3);
});

/** A row of a status table as the projector writes it. */
const row = (state: string, announcement?: string) => ({
  key: { S: "k" },
  timestamp: { N: "1767225600123" },
  "task-id": { S: "k@1767225600123-0123456789abcdef" },
  "request-id": { S: "r" },
  attempt: { N: "1" },
  state: { S: state },
  ...(announcement === undefined ? {} : { announcement: { S: announcement } }),
  "table-region": { S: "us-east-1" },
  "table-name": { S: "t" },
  "bucket-region": { S: "us-east-1" },
  "bucket-name": { S: "b" },
  "bucket-prefix": { S: "p" },
  "total-segments": { N: "1" },
  "completed-segments": { N: "1" },
  "failed-segments": { N: "0" },
  "transferred-batches": { N: "1" },
  "transferred-items": { N: "3" },
  "transferred-bytes": { N: "90" },
  plan: { S: '{"a":"say \\"x\\""}' },
});

test("a row that becomes finishing is announced, once, with its plan", async () => {
  const backup = keeper();
  await start({ backup: backup.handler });
  const dynamodb = new DynamoDBClient(client());
  const write = (state: string, announcement?: string) =>
    dynamodb.send(
      new PutItemCommand({ TableName: host.names.table("backup-table"), Item: row(state, announcement) }),
    );
  await write("running");
  await write("finishing", "TaskFinishing");
  // The same state again, in another way.
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: host.names.table("backup-table"),
      Key: { key: { S: "k" }, timestamp: { N: "1767225600123" } },
      UpdateExpression: "SET more = :more",
      ExpressionAttributeValues: { ":more": { S: "x" } },
    }),
  );
  // Of the same key, so that it is announced after what the changes before it announce.
  await dynamodb.send(
    new PutItemCommand({
      TableName: host.names.table("backup-table"),
      Item: { ...row("finishing", "TaskFinishing"), timestamp: { N: "2" }, "task-id": { S: "last" } },
    }),
  );
  const ids = () => backup.seen.map(({ event }) => (event.detail as { task: { id: string } }).task.id);
  await expect.poll(ids).toContain("last");
  expect(ids()).toEqual(["k@1767225600123-0123456789abcdef", "last"]);
  expect(backup.seen[0]).toMatchObject({
    failsAs: "TaskStepFailed",
    event: {
      source: "ferry",
      detail: {
        task: {
          id: "k@1767225600123-0123456789abcdef",
          action: "backup",
          timestamp: 1767225600123,
          "request-id": "r",
        },
        "transferred-items": 3,
        plan: { S: '{"a":"say \\"x\\""}' },
      },
    },
  });
});

test("a row that is born in an announced state is announced; another's is not", async () => {
  const restore = keeper();
  await start({ restore: restore.handler });
  const dynamodb = new DynamoDBClient(client());
  const write = (timestamp: string, state: string, announcement?: string) =>
    dynamodb.send(
      new PutItemCommand({
        TableName: host.names.table("restore-table"),
        Item: {
          ...row(state, announcement),
          timestamp: { N: timestamp },
          "task-id": { S: `k@${timestamp}-0` },
        },
      }),
    );
  await write("1", "requested", "TaskFinishing");
  await write("2", "finishing", "TaskFinishing");
  await expect.poll(() => restore.seen).not.toHaveLength(0);
  expect(restore.seen.map(({ event }) => (event.detail as { task: { id: string } }).task.id)).toEqual([
    "k@2-0",
  ]);
});

test("a host that stops does not wait for a handler that hangs", async () => {
  let hangs = false;
  await start({
    backup: () => {
      hangs = true;
      return new Promise(() => {});
    },
  });
  await put("TaskRequested", { request: { action: "backup" } });
  await expect.poll(() => hangs).toBe(true);
  await host.stop();
  await expect(fetch(host.endpoint)).rejects.toThrow();
});
