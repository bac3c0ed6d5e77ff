/** Who would be told: everything that can go wrong for good has an alarm, and what is normal has none. */
import {
  consumers,
  physicalName,
  pipes,
  type QueueName,
  queues,
  UNDELIVERED_QUEUE,
} from "@ferry/core/topology";
import { type Check, type Deployment, ofType, same, unless } from "./check.ts";

type AnyQueue = Parameters<typeof physicalName>[1];

interface Watched {
  readonly metricName: string;
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** The alarms that look at a metric, by itself or in a sum. */
const alarmsOn = (deployment: Deployment, metric: string, dimension: string, value: string) =>
  ofType(deployment, "MetricAlarm").filter(({ inputs }) => {
    const queries: { metric?: Watched }[] = inputs.metricQueries ?? [{ metric: inputs }];
    return queries.some(
      ({ metric: one }) => one?.metricName === metric && one.dimensions?.[dimension] === value,
    );
  });

/** A queue that is worked on is watched for its age, one that nobody works on for its first message. */
const everyQueueHasAnAlarm: Check = {
  name: "every-queue-has-an-alarm",
  broken: (deployment) => {
    const worked = (Object.keys(queues) as QueueName[]).map(
      (name) => [name, "ApproximateAgeOfOldestMessage"] as [AnyQueue, string],
    );
    const resting = [...new Set(Object.values(queues).map(({ deadLetters }) => deadLetters))]
      .filter((name) => name !== "redrive-queue")
      .map((name) => [name, "ApproximateNumberOfMessagesVisible"] as [AnyQueue, string]);
    return [
      ...worked,
      ...resting,
      [UNDELIVERED_QUEUE, "ApproximateNumberOfMessagesVisible"] as [AnyQueue, string],
    ].flatMap(([name, metric]) =>
      unless(
        alarmsOn(deployment, metric, "QueueName", physicalName(deployment.stage, name)).length === 1,
        `nobody is told of ${name} (${metric})`,
      ),
    );
  },
};

const everyPipeHasAnAlarm: Check = {
  name: "every-pipe-has-an-alarm",
  broken: (deployment) => [
    ...Object.keys(pipes).flatMap((key) =>
      ["ExecutionFailed", "ExecutionPartiallyFailed"].flatMap((metric) =>
        unless(
          alarmsOn(deployment, metric, "PipeName", `ferry-${deployment.stage}-${key}`).length === 1,
          `nobody is told of the Pipe ${key}'s ${metric}`,
        ),
      ),
    ),
    ...unless(
      alarmsOn(deployment, "PipesNotRunning", "service", `ferry-${deployment.stage}-watch`).length === 1,
      "nobody is told when a Pipe is stopped",
    ),
  ],
};

const tasksHaveAlarms: Check = {
  name: "tasks-have-alarms",
  broken: (deployment) => {
    const on = (metric: string, service: string) =>
      alarmsOn(deployment, metric, "service", `ferry-${deployment.stage}-${service}`);
    const [stalled] = on("StalledTasks", "watch");
    return [
      ...unless(on("TasksFailed", "projection").length === 1, "nobody is told of failed tasks"),
      ...unless(on("RequestsRejected", "projection").length === 1, "nobody is told of rejected requests"),
      ...unless(stalled !== undefined, "nobody is told of stalled tasks"),
      ...unless(
        deployment.dev || stalled?.inputs.treatMissingData === "breaching",
        "nobody is told when the watch does not run",
      ),
    ];
  },
};

const alarmsTellSomeone: Check = {
  name: "alarms-tell-someone",
  broken: (deployment) =>
    ofType(deployment, "MetricAlarm").flatMap(({ inputs }) => [
      ...unless(
        same(inputs.alarmActions, [`arn:aws:sns:us-east-1:111111111111:ferry-${deployment.stage}-alarms`]),
        `${inputs.name} tells nobody`,
      ),
      ...unless(
        (inputs.actionsEnabled ?? true) === !deployment.dev,
        `${inputs.name} is ${deployment.dev ? "loud" : "quiet"}`,
      ),
      ...unless(
        inputs.alarmDescription?.includes("docs/operations.md") === true,
        `${inputs.name} does not say where to look`,
      ),
    ]),
};

/** Retries are how the workers work: waking somebody for one teaches them to look away. */
const retriesAreNormal: Check = {
  name: "retries-are-normal",
  broken: (deployment) =>
    Object.keys(consumers).flatMap((name) =>
      unless(
        alarmsOn(deployment, "Errors", "FunctionName", `ferry-${deployment.stage}-${name}`).length === 0,
        `an alarm rings for a retry of ${name}`,
      ),
    ),
};

const dashboardShowsAll: Check = {
  name: "dashboard-shows-all",
  broken: (deployment) => {
    const [dashboard] = ofType(deployment, "Dashboard");
    const body: string = dashboard?.inputs.dashboardBody ?? "";
    const metrics = [
      "TasksAccepted",
      "TasksFailed",
      "RequestsRejected",
      "StalledTasks",
      "ApproximateAgeOfOldestMessage",
      "Items",
      "Bytes",
      "ConsumedReadCapacityUnits",
      "ConsumedWriteCapacityUnits",
      "ReadThrottleEvents",
      "WriteThrottleEvents",
      "ExecutionFailed",
    ];
    const names = [...ofType(deployment, "Queue"), ...ofType(deployment, "Pipe")].map(
      ({ inputs }) => inputs.name,
    );
    return [...metrics, ...names].flatMap((name) =>
      unless(body.includes(`"${name}"`), `the dashboard does not show ${name}`),
    );
  },
};

export const monitoringChecks: readonly Check[] = [
  everyQueueHasAnAlarm,
  everyPipeHasAnAlarm,
  tasksHaveAlarms,
  alarmsTellSomeone,
  retriesAreNormal,
  dashboardShowsAll,
];
