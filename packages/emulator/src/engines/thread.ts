/**
 * The emulated services in a separate thread: the engines, the bus and the Pipes, behind one port. The thread ends with
 * the process, however that ends.
 */

import { parentPort, workerData } from "node:worker_threads";
import { SOURCE } from "@ferry/core/events/events";
import { onDemandTable } from "@ferry/core/table/key-definition";
import {
  physicalName,
  pipes,
  type QueueName,
  queues,
  type RowIndex,
  routes,
  rowIndexes,
  type StatusTableSpec,
  type TableName,
  tables,
  UNDELIVERED_QUEUE,
  workerTable,
} from "@ferry/core/topology";
import { ACCOUNT, busArn, emulatedQueueUrl, queueArn } from "../arns.ts";
import { createLocalBus } from "../eventbridge/bus.ts";
import { createClientRules } from "../eventbridge/client-rules.ts";
import { meantType } from "../eventbridge/meant-type.ts";
import { runQueuePipe } from "../eventbridge/queue-pipe.ts";
import { createRules, type RuleDelivery } from "../eventbridge/rules.ts";
import { createStreamPipe } from "../eventbridge/stream-pipe.ts";
import { createDynamoDb } from "./dynamodb.ts";
import { type Services, startGateway } from "./gateway.ts";
import { withOtherDynamoDb } from "./other-dynamodb.ts";
import { withOtherS3 } from "./other-s3.ts";
import { createS3Sqs } from "./s3-sqs.ts";
import type { FromThread, ThreadOptions, ToThread } from "./start.ts";
import { withStatements } from "./statements.ts";
import { withStreams } from "./streams.ts";
import { withTableSettings } from "./table-settings.ts";

const {
  stage,
  homeRegion: region,
  port,
  duplicate,
  retryDelaySeconds,
  otherDynamoDb,
  otherS3,
  reportedTypes,
} = workerData as ThreadOptions;
const send = (message: FromThread) => parentPort!.postMessage(message);
const log = (line: string) => send({ log: line });

/** Long enough for a handler to set its messages' visibility. */
const VISIBILITY_SECONDS = 120;
/** As in a stage: 4 days, and longer for dead letters, whose retention counts from when they were first sent. */
const RETENTION_SECONDS = 4 * 24 * 3600;
const DEAD_RETENTION_SECONDS = 14 * 24 * 3600;

const { promise: services, resolve: open } = Promise.withResolvers<Services>();
const server = await startGateway(port, services, log);
const endpoint = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
const urlOf = (name: QueueName | typeof UNDELIVERED_QUEUE) =>
  emulatedQueueUrl(endpoint, region, physicalName(stage, name));

const s3Sqs = await createS3Sqs(endpoint);
const sqs = (operation: string, input: object) => s3Sqs.sqs(region, operation, input);
await createQueues();

const dynamodb = createDynamoDb();
await createTables();

const busName = physicalName(stage, "bus");
const ruleArn = (rule: string) => `arn:aws:events:${region}:${ACCOUNT}:rule/${busName}/${rule}`;
/** Sends a rule's message to its queue. */
async function deliverTo({ queueArn: arn, body, messageGroup, attributes = {} }: RuleDelivery) {
  const [, , , queueRegion, , name] = arn.split(":") as [string, string, string, string, string, string];
  await s3Sqs.sqs(queueRegion, "SendMessage", {
    QueueUrl: emulatedQueueUrl(endpoint, queueRegion, name),
    MessageBody: body,
    ...(messageGroup === undefined ? {} : { MessageGroupId: messageGroup }),
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { DataType: "String", StringValue: value }]),
    ),
  });
}
const deliver = createRules({
  routes,
  duplicate,
  log,
  ruleArn,
  queueArn: (queue) => queueArn(region, physicalName(stage, queue)),
  send: deliverTo,
});
const clientRules = createClientRules({
  isBus: (name, callRegion) =>
    callRegion === region && (name === busName || name === busArn(region, busName)),
  ruleArn,
  duplicate,
  log,
  send: deliverTo,
});
const bus = createLocalBus({
  name: busName,
  region,
  log,
  rules: clientRules,
  deliver: (event) => {
    void deliver(event);
    void clientRules.deliver(event);
    const meant = meantType(event["detail-type"]);
    if (meant !== undefined)
      log(
        `event ${event.id} has the detail-type "${event["detail-type"]}", which no rule matches, and is dropped: it must be ${meant}`,
      );
    if (event.source === SOURCE && reportedTypes.includes(event["detail-type"])) send({ event });
  },
});
const target = { name: busName, region, put: bus.put };

const streamPipes = new Map<string, ReturnType<typeof createStreamPipe>>();
for (const [name, spec] of Object.entries(pipes)) {
  if ("table" in spec.from)
    streamPipes.set(physicalName(stage, spec.from.table), createStreamPipe({ name, spec, bus: target, log }));
  else
    void runQueuePipe({
      name,
      spec,
      queueUrl: urlOf(spec.from.queue),
      deadLetters: physicalName(stage, queues[spec.from.queue].deadLetters),
      sqs,
      bus: target,
      retryDelaySeconds,
      log,
    });
}

const emulated = withTableSettings(
  withStatements(
    withStreams({
      dynamodb,
      region,
      tables: streamedTables(),
      emit: (table, record) => streamPipes.get(table)?.(record),
    }),
  ),
);
open({
  s3: otherS3 === undefined ? s3Sqs.handle : withOtherS3(otherS3),
  sqs: s3Sqs.handle,
  events: bus.call,
  dynamodb:
    otherDynamoDb === undefined
      ? emulated
      : withOtherDynamoDb({ url: otherDynamoDb, own: emulated, region, ownTables: ownTables() }),
});
parentPort!.on("message", ({ id, operation, input }: ToThread) => {
  sqs(operation, input).then(
    (output) => send({ id, output }),
    // A copy of an error in another thread has no name of its own.
    ({ name, message }: Error) => send({ id, error: { name, message } }),
  );
});
send({ endpoint });

async function createQueues(): Promise<void> {
  const create = (name: string, attributes: Record<string, string>) =>
    sqs("CreateQueue", { QueueName: name, Attributes: attributes });
  const deadLetters = new Set<string>([
    UNDELIVERED_QUEUE,
    ...Object.values(queues).map((spec) => spec.deadLetters),
  ]);
  for (const [name, spec] of Object.entries(queues)) {
    deadLetters.delete(name);
    await create(physicalName(stage, name as QueueName), {
      VisibilityTimeout: String(VISIBILITY_SECONDS),
      MessageRetentionPeriod: String(RETENTION_SECONDS),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: queueArn(region, physicalName(stage, spec.deadLetters)),
        maxReceiveCount: spec.attempts,
      }),
    });
  }
  for (const name of deadLetters)
    await create(physicalName(stage, name as typeof UNDELIVERED_QUEUE), {
      MessageRetentionPeriod: String(DEAD_RETENTION_SECONDS),
    });
}

async function createTables(): Promise<void> {
  await Promise.all([
    ...Object.entries(tables).map(([name, { hash, range, stream }]) =>
      // On AWS too, the tables with a stream are those with indexes.
      createTable(name as TableName, [hash, range], stream ? rowIndexes : []),
    ),
    createTable(workerTable.name, [workerTable.hash]),
  ]);
}

async function createTable(
  name: Parameters<typeof physicalName>[1],
  keys: Parameters<typeof onDemandTable>[1],
  indexes: readonly RowIndex[] = [],
): Promise<void> {
  const TableName = physicalName(stage, name);
  await dynamodb.call(region, "CreateTable", onDemandTable(TableName, keys, indexes));
  for (;;) {
    const { Table } = await dynamodb.call(region, "DescribeTable", { TableName });
    if ((Table as { TableStatus: string }).TableStatus === "ACTIVE") return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function ownTables(): ReadonlySet<string> {
  const names = [...(Object.keys(tables) as TableName[]), workerTable.name];
  return new Set(names.map((name) => physicalName(stage, name)));
}

function streamedTables(): ReadonlyMap<string, StatusTableSpec> {
  return new Map(
    Object.entries(tables)
      .filter(([, spec]) => spec.stream)
      .map(([name, spec]) => [physicalName(stage, name as TableName), spec]),
  );
}
