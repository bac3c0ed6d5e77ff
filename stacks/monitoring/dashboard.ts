/** The page an operator keeps open. From top to bottom: is something wrong, what is done, how fast, what holds it up. */
import {
  type ConsumerName,
  consumers,
  type QueueName,
  queues,
  UNDELIVERED_QUEUE,
} from "@ferry/core/topology";
import { METRICS_NAMESPACE, named, physical, region } from "../here.ts";
import { pipes } from "../pipes.ts";
import type { Table } from "../settings/schema.ts";
import { settings } from "../settings.ts";
import { alarms } from "./alarm.ts";
import "./alarms.ts";
import { alarmStates, graph, type Metric, rate, text } from "./widgets.ts";

const queueNames = Object.keys(queues) as QueueName[];
const consumerNames = Object.keys(consumers) as ConsumerName[];
const deadLetters = queueNames
  .map((name) => queues[name].deadLetters)
  .filter((name) => name !== "redrive-queue");

const own = (service: ConsumerName | "watch", name: string, label: string): Metric => [
  METRICS_NAMESPACE,
  name,
  "service",
  named(service),
  { label },
];
const sqs = (name: string, queue: Parameters<typeof physical>[0]): Metric => [
  "AWS/SQS",
  name,
  "QueueName",
  physical(queue),
  { label: queue },
];
const lambda = (name: string): Metric[] =>
  consumerNames.map((consumer) => ["AWS/Lambda", name, "FunctionName", named(consumer), { label: consumer }]);

/** Of tables in this account; another account's metrics are in that account. */
const dynamo = (name: string, tables: readonly Table[], label: string): Metric[] =>
  tables.flatMap((table) =>
    typeof table === "string"
      ? []
      : [
          [
            "AWS/DynamoDB",
            name,
            "TableName",
            table.name,
            { region: table.region, label: `${table.name} ${label}` },
          ],
        ],
  );

const transfer = (name: "Items" | "Bytes") => [
  ...rate([METRICS_NAMESPACE, name, "service", named("backup")], `backup${name}`, "backup"),
  ...rate([METRICS_NAMESPACE, name, "service", named("restore")], `restore${name}`, "restore"),
];

const widgets = (here: string, alarmArns: readonly string[]) => [
  text(
    `# Ferry, ${$app.stage}\nRetries of the workers are normal. What no retry helped passes the redrive queue: its traffic is the rate of failing segments. docs/operations.md says what to do.`,
  ),
  alarmStates(alarmArns),
  graph(here, {
    title: "Tasks, by what became of them",
    metrics: [
      own("projection", "TasksAccepted", "accepted"),
      own("projection", "TasksFinished", "succeeded"),
      own("projection", "TasksFailed", "failed"),
      own("projection", "TasksCancelled", "cancelled"),
      own("projection", "RequestsRejected", "rejected"),
    ],
  }),
  graph(here, {
    title: "Open tasks and silent ones",
    stat: "Maximum",
    metrics: [own("watch", "OpenTasks", "open"), own("watch", "StalledTasks", "silent")],
  }),
  graph(here, { title: "Items per second", metrics: transfer("Items"), label: "items/s" }),
  graph(here, { title: "Bytes per second, uncompressed", metrics: transfer("Bytes"), label: "bytes/s" }),
  graph(here, {
    title: "Age of the oldest message, s",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateAgeOfOldestMessage", name)),
  }),
  graph(here, {
    title: "Messages waiting",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateNumberOfMessagesVisible", name)),
  }),
  graph(here, {
    title: "Consumed capacity, units per minute",
    metrics: [
      ...dynamo("ConsumedReadCapacityUnits", settings.backup.tables, "read"),
      ...dynamo("ConsumedWriteCapacityUnits", settings.restore.tables, "written"),
    ],
  }),
  graph(here, {
    title: "Throttles",
    metrics: [
      ...dynamo("ReadThrottleEvents", settings.backup.tables, "reads"),
      ...dynamo("WriteThrottleEvents", settings.restore.tables, "writes"),
      ...lambda("Throttles"),
    ],
  }),
  // Not NumberOfMessagesSent: SQS does not count there what it moves itself.
  graph(here, {
    title: "Failing segments: what passed the redrive queue",
    metrics: [sqs("NumberOfMessagesDeleted", "redrive-queue")],
  }),
  graph(here, {
    title: "Dead letters and undelivered",
    stat: "Maximum",
    metrics: [...deadLetters, UNDELIVERED_QUEUE].map((name) =>
      sqs("ApproximateNumberOfMessagesVisible", name as Parameters<typeof physical>[0]),
    ),
  }),
  graph(here, {
    title: "Pipes: failed executions",
    metrics: pipes.map((pipe) => [
      "AWS/EventBridge/Pipes",
      "ExecutionFailed",
      "PipeName",
      pipe.name,
      { label: pipe.key },
    ]),
  }),
  graph(here, { title: "Errors of invocations: each is tried again", metrics: lambda("Errors") }),
  graph(here, {
    title: "Invocations at once",
    stat: "Maximum",
    metrics: lambda("ConcurrentExecutions"),
  }),
  graph(here, { title: "Duration, ms", stat: "Maximum", metrics: lambda("Duration") }),
];

new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: named("dashboard"),
  dashboardBody: $jsonStringify(
    $util
      .output({ here: region, arns: alarms.map((alarm) => alarm.arn) })
      .apply(({ here, arns }) => ({ widgets: widgets(here, arns) })),
  ),
});
