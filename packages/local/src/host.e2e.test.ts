import { DynamoDBClient, PutItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type BusEvent, type Message, parseMessage } from "@ferry/core/events/events";
import { identify } from "@ferry/core/request/task";
import { type ConsumerName, type QueueName, queues } from "@ferry/core/topology";
import type { Handler } from "@ferry/emulator/lambda/event-source-mapping";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Host, type HostOptions, startHostWith } from "./host.ts";

type TestHandlers = Partial<Record<ConsumerName, Handler>>;

/** The host of the running test: `shared`, or its own one. */
let host: Host;
/** The host of most tests. Each has all queues for itself: the one before has drained them. */
let shared: Host;
/** What the shared host runs and calls. */
let handlers: TestHandlers = {};
let listening: Pick<HostOptions, "log" | "onLogged" | "wrap"> = {};

/** Of the shared host. */
const MAXIMUM_CONCURRENCY = 3;

const ignore: Handler = async () => {};
const settings = { retryDelaySeconds: 0 };

beforeAll(async () => {
  const current =
    (name: ConsumerName): Handler =>
    (event, context) =>
      (handlers[name] ?? ignore)(event, context);
  shared = await startHostWith(
    {
      settings,
      log: (line) => listening.log?.(line),
      onLogged: (event) => listening.onLogged?.(event),
      wrap: (consumer, handler) => (event, context) =>
        (listening.wrap?.(consumer, handler) ?? handler)(event, context),
      maximumConcurrency: MAXIMUM_CONCURRENCY,
    },
    async () => ({
      backup: current("backup"),
      restore: current("restore"),
      projection: current("projection"),
    }),
  );
});
afterEach(async () => {
  if (host === shared) await drain();
  else await host.stop();
});
afterAll(async () => await shared.stop());

const client = () => ({
  endpoint: host.endpoint,
  region: host.homeRegion,
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});

/** Runs the test on the shared host. */
function start(ofTest: TestHandlers, options: typeof listening = {}) {
  host = shared;
  handlers = ofTest;
  listening = options;
}

/** Runs the test on a host of its own. */
async function startOwn(ofTest: TestHandlers, options: HostOptions = {}) {
  host = await startHostWith({ settings, log: () => {}, ...options }, async () => ({
    backup: ignore,
    restore: ignore,
    projection: ignore,
    ...ofTest,
  }));
}

/** Ends the test on the shared host: waits until all that it sent is delivered and deleted. */
async function drain(): Promise<void> {
  const last = recordingHandler();
  start({ projection: last.handler });
  // Sent last: when it has arrived, every earlier event is in its queues.
  await put("TaskFinished", { step: "drained" });
  await expect.poll(() => JSON.stringify(last.seen)).toContain("drained");
  const sqs = new SQSClient(client());
  const left = async (queue: QueueName) => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: host.names.queueUrl(queue),
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
    return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
  };
  for (const queue of Object.keys(queues) as QueueName[]) await expect.poll(() => left(queue)).toBe(0);
}

/** A handler that records its messages. */
function recordingHandler() {
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

test("a request reaches its action's worker; one without an action reaches the backup worker", async () => {
  const backup = recordingHandler();
  const restore = recordingHandler();
  start({ backup: backup.handler, restore: restore.handler });
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

test("a request of the bus reaches its action's worker, a message of request-queue the backup worker", async () => {
  const backup = recordingHandler();
  const restore = recordingHandler();
  start({ backup: backup.handler, restore: restore.handler });
  const request = { action: "restore", "table-name": "t" };
  await put("TaskRequested", { request, "request-id": "own" }, "anyone");
  await put("TaskRequested", request, "anyone");
  const bare = await send("request-queue", JSON.stringify(request));
  await send("request-queue", JSON.stringify({ request, "request-id": "own-2" }));
  await expect.poll(() => [restore.seen.length, backup.seen.length]).toEqual([2, 2]);
  const identities = [...restore.seen, ...backup.seen].map(({ event }) => ({
    event,
    identity: identify(event.detail, event),
  }));
  for (const { identity } of identities) expect(identity).toMatchObject({ action: "restore", request });
  const ids = identities.map(({ identity }) => identity.requestId);
  const [ofEvent] = identities.filter(
    ({ event }) => event.source === "anyone" && !("request" in (event.detail as object)),
  );
  expect(ids.sort()).toEqual(["own", "own-2", bare.MessageId, ofEvent!.event.id].sort());
});

test("a fact reaches the projector and the worker only if its source is Ferry", async () => {
  const backup = recordingHandler();
  const projection = recordingHandler();
  start({ backup: backup.handler, projection: projection.handler });
  await put("SegmentQueued", { task: task("backup"), segment: 1 }, "someone-else");
  await put("SegmentQueued", { task: task("backup"), segment: 2 });
  // Sent last: when it has arrived, an earlier event that is missing was not delivered.
  await put("SegmentQueued", { task: task("backup"), segment: 3 });
  const segments = ({ seen }: typeof backup) =>
    seen.map(({ event }) => (event.detail as { segment: number }).segment).sort();
  await expect.poll(() => segments(backup)).toContain(3);
  await expect.poll(() => segments(projection)).toContain(3);
  expect(segments(backup)).toEqual([2, 3]);
  expect(segments(projection)).toEqual([2, 3]);
});

test("given duplicate, every message is delivered twice, with the same event", async () => {
  const backup = recordingHandler();
  await startOwn({ backup: backup.handler }, { duplicate: true });
  await put("TaskRequested", { request: { action: "backup" } });
  await expect.poll(() => backup.seen).toHaveLength(2);
  expect(backup.seen[0]).toEqual(backup.seen[1]);
});

test("a message in request-queue becomes a request with the message's id, whether it is JSON or not", async () => {
  const backup = recordingHandler();
  start({ backup: backup.handler });
  const bodies = ['{"action":"backup","x":"say \\"x\\""}', 'not "JSON"'];
  const sent = await Promise.all(bodies.map((body) => send("request-queue", body)));
  await expect.poll(() => backup.seen).toHaveLength(2);
  for (const [i, { MessageId }] of sent.entries())
    expect(backup.seen.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        source: "ferry",
        detail: expect.objectContaining({ messageId: MessageId, body: bodies[i] }),
      }),
    );
});

test("a message that is larger than an event goes to the dead letters", async () => {
  start({});
  const body = "x".repeat(1024 * 1024);
  await send("request-queue", body);
  await expect.poll(() => receive("request-dead-letters")).toMatchObject([{ Body: body }]);
});

test("only the messages that a batch reports as failed are redelivered", async () => {
  const times = new Map<string, number>();
  start({
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
  // Sent last: when it has arrived, the earlier messages are not redelivered any more.
  await put("TaskFinished", { step: "last" });
  await expect.poll(() => times.get("last")).toBe(1);
  expect(Object.fromEntries(times)).toEqual({ good: 1, bad: 3, better: 1, last: 1 });
});

test("the host leaves the visibility of a message that a worker reports as failed to the worker", async () => {
  let backups = 0;
  let projections = 0;
  await startOwn({
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
  // This worker did not set it, so the message waits for its visibility timeout, as on AWS.
  expect(backups).toBe(1);
});

test("an event whose detail-type is nearly that of a request is logged with the right one", async () => {
  const lines: string[] = [];
  start({}, { log: (line) => lines.push(line) });
  await put("Task Requested", { request: {} }, "caller");
  await expect
    .poll(() => lines.join())
    .toContain('"Task Requested", which no rule matches, and is dropped: it must be TaskRequested');
});

test("onLogged receives the event that ends a task only if its source is Ferry", async () => {
  const ends: string[] = [];
  start({}, { onLogged: (event) => ends.push(event["detail-type"]) });
  await put("TaskRejected", { cause: "forged" }, "someone-else");
  await put("TaskAccepted", { task: task("backup") });
  await put("TaskRejected", { cause: "x" });
  await expect.poll(() => ends).toEqual(["TaskRejected"]);
});

test("given a worker that always throws, its failure is an event after the last attempt", async () => {
  let invocations = 0;
  const projection = recordingHandler();
  start({
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

test("a message in redrive-queue without failsAs goes to the dead letters", async () => {
  start({});
  await send("redrive-queue", '{"event":{"id":"e"}}');
  await expect.poll(() => receive("redrive-dead-letters")).toHaveLength(1);
});

test("a wrapper runs in place of the handler", async () => {
  const backup = recordingHandler();
  let thrown = 0;
  start(
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

test("the number of concurrent invocations reaches maximumConcurrency and does not exceed it", async () => {
  let now = 0;
  let most = 0;
  let done = 0;
  // Each invocation ends when three have begun.
  let three = Promise.withResolvers<void>();
  start({
    backup: async (event, context) => {
      most = Math.max(most, ++now);
      expect(event.Records).toHaveLength(1);
      expect(context.getRemainingTimeInMillis()).toBeGreaterThan(14 * 60_000);
      const { promise, resolve } = three;
      if (now === MAXIMUM_CONCURRENCY) {
        three = Promise.withResolvers();
        // A fourth invocation, if it were allowed, would have begun by then.
        setImmediate(resolve);
      }
      await promise;
      now--;
      done++;
    },
  });
  await Promise.all(
    Array.from({ length: 12 }, () => put("TaskRequested", { request: { action: "backup" } })),
  );
  await expect.poll(() => done).toBe(12);
  expect(most).toBe(MAXIMUM_CONCURRENCY);
});

/** A status row as the projector writes it. */
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

test("rows are found by their state, as docs/operations.md says", async () => {
  start({});
  const dynamodb = new DynamoDBClient(client());
  const TableName = host.names.table("backup-table");
  for (const [key, state] of [
    ["a", "running"],
    ["b", "failed"],
    ["c", "running"],
  ] as const)
    await dynamodb.send(new PutItemCommand({ TableName, Item: { ...row(state), key: { S: key } } }));
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName,
      IndexName: "by-state",
      KeyConditionExpression: "#s = :s",
      ExpressionAttributeNames: { "#s": "state" },
      ExpressionAttributeValues: { ":s": { S: "running" } },
    }),
  );
  expect(Items.map(({ key }) => key?.S).sort()).toEqual(["a", "c"]);
});

test("rows are found by the id of their request, as docs/operations.md says", async () => {
  start({});
  const dynamodb = new DynamoDBClient(client());
  const TableName = host.names.table("restore-table");
  for (const [key, id] of [
    ["a", "r-1"],
    ["b", "r-2"],
  ] as const)
    await dynamodb.send(
      new PutItemCommand({
        TableName,
        Item: { ...row("running"), key: { S: key }, "request-id": { S: id } },
      }),
    );
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName,
      IndexName: "by-request",
      KeyConditionExpression: "#r = :r",
      ExpressionAttributeNames: { "#r": "request-id" },
      ExpressionAttributeValues: { ":r": { S: "r-2" } },
    }),
  );
  expect(Items).toEqual([
    { key: { S: "b" }, timestamp: row("running").timestamp, "request-id": { S: "r-2" } },
  ]);
});

test("a row that becomes finishing is announced once, with its plan", async () => {
  const backup = recordingHandler();
  start({ backup: backup.handler });
  const dynamodb = new DynamoDBClient(client());
  const write = (state: string, announcement?: string) =>
    dynamodb.send(
      new PutItemCommand({ TableName: host.names.table("backup-table"), Item: row(state, announcement) }),
    );
  await write("running");
  await write("finishing", "TaskFinishing");
  // Another change with the same state.
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: host.names.table("backup-table"),
      Key: { key: { S: "k" }, timestamp: { N: "1767225600123" } },
      UpdateExpression: "SET more = :more",
      ExpressionAttributeValues: { ":more": { S: "x" } },
    }),
  );
  // It has the same key, so its announcement comes after those of the earlier changes.
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

test("a new row is announced if its state is an announced one", async () => {
  const restore = recordingHandler();
  start({ restore: restore.handler });
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

test("stop does not wait for a handler that hangs", async () => {
  let hangs = false;
  await startOwn({
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
