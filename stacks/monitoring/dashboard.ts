/** The dashboard. From top to bottom: alarms, tasks, throughput, waiting messages, throttles and failures, the functions. */
import { type ConsumerName, consumers, type QueueName, queues } from "@ferry/core/topology";
import { region } from "../naming/arns.ts";
import { METRICS_NAMESPACE, physicalNameOf, resourceName, type TopologyName } from "../naming/names.ts";
import { stagePipes } from "../pipes/pipes.ts";
import type { Table } from "../settings/schema.ts";
import { settings } from "../settings/stage-settings.ts";
import { alarms } from "./alarm.ts";
import { unprocessedQueues } from "./alarms.ts";
import { alarmStates, graphWidget, type Metric, ratePerSecond, textWidget } from "./widgets.ts";

const queueNames = Object.keys(queues) as QueueName[];
const consumerNames = Object.keys(consumers) as ConsumerName[];
const own = (service: ConsumerName | "monitor", name: string, label: string): Metric => [
  METRICS_NAMESPACE,
  name,
  "service",
  resourceName(service),
  { label },
];
const sqs = (name: string, queue: TopologyName): Metric => [
  "AWS/SQS",
  name,
  "QueueName",
  physicalNameOf(queue),
  { label: queue },
];
const lambda = (name: string): Metric[] =>
  consumerNames.map((consumer) => [
    "AWS/Lambda",
    name,
    "FunctionName",
    resourceName(consumer),
    { label: consumer },
  ]);

/** Metrics of the tables in this account. The metrics of another account's tables are in that account. */
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
  ...ratePerSecond([METRICS_NAMESPACE, name, "service", resourceName("backup")], `backup${name}`, "backup"),
  ...ratePerSecond(
    [METRICS_NAMESPACE, name, "service", resourceName("restore")],
    `restore${name}`,
    "restore",
  ),
];

const widgets = (regionName: string, alarmArns: readonly string[]) => [
  textWidget(
    `# Ferry, ${$app.stage}\nThe workers' retries are normal. A message whose attempts ran out passes the redrive queue, so that queue's traffic is the rate of failing segments. docs/operations.md explains every alarm.`,
  ),
  alarmStates(alarmArns),
  ...graphWidget(regionName, {
    title: "Tasks by outcome",
    metrics: [
      own("projection", "TasksAccepted", "accepted"),
      own("projection", "TasksFinished", "succeeded"),
      own("projection", "TasksFailed", "failed"),
      own("projection", "TasksCancelled", "cancelled"),
      own("projection", "RequestsRejected", "rejected"),
      ...(["projection", "backup", "restore"] as const).map((name) =>
        own(name, "ControlsRefused", `refused, ${name}`),
      ),
    ],
  }),
  ...graphWidget(regionName, {
    title: "Open and stalled tasks",
    stat: "Maximum",
    metrics: [own("monitor", "OpenTasks", "open"), own("monitor", "StalledTasks", "stalled")],
  }),
  ...graphWidget(regionName, { title: "Items per second", metrics: transfer("Items"), label: "items/s" }),
  ...graphWidget(regionName, {
    title: "Bytes per second, uncompressed",
    metrics: transfer("Bytes"),
    label: "bytes/s",
  }),
  ...graphWidget(regionName, {
    title: "Age of the oldest message, s",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateAgeOfOldestMessage", name)),
  }),
  ...graphWidget(regionName, {
    title: "Messages waiting",
    stat: "Maximum",
    metrics: queueNames.map((name) => sqs("ApproximateNumberOfMessagesVisible", name)),
  }),
  ...graphWidget(regionName, {
    title: "Consumed capacity, units per minute",
    metrics: [
      ...dynamo("ConsumedReadCapacityUnits", settings.backup.tables, "read"),
      ...dynamo("ConsumedWriteCapacityUnits", settings.restore.tables, "written"),
    ],
  }),
  ...graphWidget(regionName, {
    title: "Throttles",
    metrics: [
      ...dynamo("ReadThrottleEvents", settings.backup.tables, "reads"),
      ...dynamo("WriteThrottleEvents", settings.restore.tables, "writes"),
      ...lambda("Throttles"),
    ],
  }),
  // NumberOfMessagesSent does not count the messages that SQS moves.
  ...graphWidget(regionName, {
    title: "Failing segments: messages that passed the redrive queue",
    metrics: [sqs("NumberOfMessagesDeleted", "redrive-queue")],
  }),
  ...graphWidget(regionName, {
    title: "Dead letters and undelivered events",
    stat: "Maximum",
    metrics: unprocessedQueues.map((name) => sqs("ApproximateNumberOfMessagesVisible", name)),
  }),
  ...graphWidget(regionName, {
    title: "Pipes: failed executions",
    metrics: stagePipes.map((pipe) => [
      "AWS/EventBridge/Pipes",
      "ExecutionFailed",
      "PipeName",
      pipe.name,
      { label: pipe.key },
    ]),
  }),
  ...graphWidget(regionName, {
    title: "Errors of invocations, which are retried",
    metrics: lambda("Errors"),
  }),
  ...graphWidget(regionName, {
    title: "Concurrent invocations",
    stat: "Maximum",
    metrics: lambda("ConcurrentExecutions"),
  }),
  ...graphWidget(regionName, { title: "Duration, ms", stat: "Maximum", metrics: lambda("Duration") }),
];

if (settings.profile === "full")
  new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: resourceName("dashboard"),
    dashboardBody: $jsonStringify(
      $util
        .output({ regionName: region, arns: alarms.map((alarm) => alarm.arn) })
        .apply(({ regionName, arns }) => ({ widgets: widgets(regionName, arns) })),
    ),
  });
