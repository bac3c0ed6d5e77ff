/** The dashboard. From top to bottom: alarms, tasks, throughput, waiting messages, throttles and failures, the functions. */
import { type ConsumerName, consumers, type QueueName, queues } from "@ferry/core/topology";
import { region } from "../naming/arns.ts";
import { METRICS_NAMESPACE, named, physical, type TopologyName } from "../naming/names.ts";
import { pipes } from "../pipes/pipes.ts";
import type { Table } from "../settings/schema.ts";
import { settings } from "../settings/stage-settings.ts";
import { alarms } from "./alarm.ts";
import { unprocessed } from "./alarms.ts";
import { alarmStates, graph, type Metric, rate, text } from "./widgets.ts";

const queueNames = Object.keys(queues) as QueueName[];
const consumerNames = Object.keys(consumers) as ConsumerName[];
const own = (service: ConsumerName | "monitor", name: string, label: string): Metric => [
  METRICS_NAMESPACE,
  name,
  "service",
  named(service),
  { label },
];
const sqs = (name: string, queue: TopologyName): Metric => [
  "AWS/SQS",
  name,
  "QueueName",
  physical(queue),
  { label: queue },
];
const lambda = (name: string): Metric[] =>
  consumerNames.map((consumer) => ["AWS/Lambda", name, "FunctionName", named(consumer), { label: consumer }]);

/** Metrics of the tables in this account. Another account's tables have theirs in that account. */
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

const widgets = (regionName: string, alarmArns: readonly string[]) => [
  text(
    `# Ferry, ${$app.stage}\nThe workers' retries are normal. A message that used up its attempts passes the redrive queue, so that queue's traffic is the rate of failing segments. What to do about an alarm: docs/operations.md.`,
  ),
  alarmStates(alarmArns),
  ...graph(regionName, {
    title: "Tasks by outcome",
    metrics: [
      own("projection", "TasksAccepted", "accepted"),
      own("projection", "TasksFinished", "succeeded"),
      own("projection", "TasksFailed", "failed"),
      own("projection", "TasksCancelled", "cancelled"),
      own("projection", "RequestsRejected", "rejected"),
    ],
  }),
  ...graph(regionName, {
    title: "Open tasks and stalled ones",
    stat: "Maximum",
    metrics: [own("monitor", "OpenTasks", "open"), own("monitor", "StalledTasks", "stalled")],
  }),
  ...graph(regionName, { title: "Items per second", metrics: transfer("Items"), label: "items/s" }),
  ...graph(regionName, {
    title: "Bytes per second, uncompressed",
    metrics: transfer("Bytes"),
    label: "bytes/s",
  }),
  ...graph(regionName, {
    title: "Age of the oldest message, s",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateAgeOfOldestMessage", name)),
  }),
  ...graph(regionName, {
    title: "Messages waiting",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateNumberOfMessagesVisible", name)),
  }),
  ...graph(regionName, {
    title: "Consumed capacity, units per minute",
    metrics: [
      ...dynamo("ConsumedReadCapacityUnits", settings.backup.tables, "read"),
      ...dynamo("ConsumedWriteCapacityUnits", settings.restore.tables, "written"),
    ],
  }),
  ...graph(regionName, {
    title: "Throttles",
    metrics: [
      ...dynamo("ReadThrottleEvents", settings.backup.tables, "reads"),
      ...dynamo("WriteThrottleEvents", settings.restore.tables, "writes"),
      ...lambda("Throttles"),
    ],
  }),
  // Not NumberOfMessagesSent: it does not count the messages that SQS moves itself.
  ...graph(regionName, {
    title: "Failing segments: messages that passed the redrive queue",
    metrics: [sqs("NumberOfMessagesDeleted", "redrive-queue")],
  }),
  ...graph(regionName, {
    title: "Dead letters and undelivered events",
    stat: "Maximum",
    metrics: unprocessed.map((name) => sqs("ApproximateNumberOfMessagesVisible", name)),
  }),
  ...graph(regionName, {
    title: "Pipes: failed executions",
    metrics: pipes.map((pipe) => [
      "AWS/EventBridge/Pipes",
      "ExecutionFailed",
      "PipeName",
      pipe.name,
      { label: pipe.key },
    ]),
  }),
  ...graph(regionName, { title: "Errors of invocations: each is retried", metrics: lambda("Errors") }),
  ...graph(regionName, {
    title: "Concurrent invocations",
    stat: "Maximum",
    metrics: lambda("ConcurrentExecutions"),
  }),
  ...graph(regionName, { title: "Duration, ms", stat: "Maximum", metrics: lambda("Duration") }),
];

new aws.cloudwatch.Dashboard("Dashboard", {
  dashboardName: named("dashboard"),
  dashboardBody: $jsonStringify(
    $util
      .output({ regionName: region, arns: alarms.map((alarm) => alarm.arn) })
      .apply(({ regionName, arns }) => ({ widgets: widgets(regionName, arns) })),
  ),
});
