/** The dashboard. From top to bottom: alarms, tasks, throughput, waiting messages, throttles and failures, the functions. */
import { type ConsumerName, consumers, type QueueName, queues } from "@ferry/core/topology";
import { region } from "../naming/arns.ts";
import { resourceName, type TopologyName } from "../naming/names.ts";
import { stagePipes } from "../pipes/pipes.ts";
import type { Table } from "../settings/schema.ts";
import { settings } from "../settings/stage-settings.ts";
import { alarms } from "./alarm.ts";
import { unprocessedQueues } from "./alarms.ts";
import { functionMetric, ownMetric, pipeMetric, queueMetric } from "./metrics.ts";
import {
  alarmStates,
  type DashboardGraph,
  type GraphedMetric,
  graphed,
  graphWidget,
  ratePerSecond,
  textWidget,
} from "./widgets.ts";

const queueNames = Object.keys(queues) as QueueName[];
const consumerNames = Object.keys(consumers) as ConsumerName[];

const own = (service: ConsumerName | "monitor", name: string, label: string) =>
  graphed(ownMetric(name, service), label);
const ofQueues = (name: string, queues: readonly TopologyName[]) =>
  queues.map((queue) => graphed(queueMetric(name, queue), queue));
const ofFunctions = (name: string) =>
  consumerNames.map((consumer) => graphed(functionMetric(name, consumer), consumer));

/** Metrics of the tables in this account. The metrics of another account's tables are in that account. */
const ofTables = (name: string, tables: readonly Table[], what: string): GraphedMetric[] =>
  tables
    .filter((table) => typeof table !== "string")
    .map((table) => {
      const metric = { namespace: "AWS/DynamoDB", name, dimensions: { TableName: table.name } };
      return graphed(metric, `${table.name} ${what}`, table.region);
    });

const transfer = (name: "Items" | "Bytes") =>
  (["backup", "restore"] as const).flatMap((consumer) =>
    ratePerSecond(ownMetric(name, consumer), `${consumer}${name}`, consumer),
  );

const TEXT = `# Ferry, ${$app.stage}\nThe workers' retries are normal. A message whose attempts ran out passes the redrive queue, so that queue's traffic is the rate of failing segments. docs/operations.md explains every alarm.`;

const graphs: readonly DashboardGraph[] = [
  {
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
  },
  {
    title: "Open and stalled tasks",
    stat: "Maximum",
    metrics: [own("monitor", "OpenTasks", "open"), own("monitor", "StalledTasks", "stalled")],
  },
  { title: "Items per second", metrics: transfer("Items"), label: "items/s" },
  { title: "Bytes per second, uncompressed", metrics: transfer("Bytes"), label: "bytes/s" },
  {
    title: "Age of the oldest message, s",
    stat: "Maximum",
    metrics: ofQueues("ApproximateAgeOfOldestMessage", queueNames),
  },
  {
    title: "Messages waiting",
    stat: "Maximum",
    metrics: ofQueues("ApproximateNumberOfMessagesVisible", queueNames),
  },
  {
    title: "Consumed capacity, units per minute",
    metrics: [
      ...ofTables("ConsumedReadCapacityUnits", settings.backup.tables, "read"),
      ...ofTables("ConsumedWriteCapacityUnits", settings.restore.tables, "written"),
    ],
  },
  {
    title: "Throttles",
    metrics: [
      ...ofTables("ReadThrottleEvents", settings.backup.tables, "reads"),
      ...ofTables("WriteThrottleEvents", settings.restore.tables, "writes"),
      ...ofFunctions("Throttles"),
    ],
  },
  // NumberOfMessagesSent does not count the messages that SQS moves.
  {
    title: "Failing segments: messages that passed the redrive queue",
    metrics: ofQueues("NumberOfMessagesDeleted", ["redrive-queue"]),
  },
  {
    title: "Dead letters and undelivered events",
    stat: "Maximum",
    metrics: ofQueues("ApproximateNumberOfMessagesVisible", unprocessedQueues),
  },
  {
    title: "Pipes: failed executions",
    metrics: stagePipes.map((pipe) => graphed(pipeMetric("ExecutionFailed", pipe), pipe.key)),
  },
  { title: "Errors of invocations, which are retried", metrics: ofFunctions("Errors") },
  { title: "Concurrent invocations", stat: "Maximum", metrics: ofFunctions("ConcurrentExecutions") },
  { title: "Duration, ms", stat: "Maximum", metrics: ofFunctions("Duration") },
];

const widgets = (regionName: string, alarmArns: readonly string[]) => [
  textWidget(TEXT),
  alarmStates(alarmArns),
  // CloudWatch refuses a dashboard with an empty graph.
  ...graphs.filter(({ metrics }) => metrics.length > 0).map((graph) => graphWidget(regionName, graph)),
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
