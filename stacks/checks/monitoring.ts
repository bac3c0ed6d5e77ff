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
import { dashboardShowsAll } from "./dashboard.ts";
import { statementsOf } from "./policies.ts";

type AnyQueue = Parameters<typeof physicalName>[1];

/** Where each metric is; an alarm that looks elsewhere never rings. */
const NAMESPACES: Readonly<Record<string, string>> = {
  ApproximateAgeOfOldestMessage: "AWS/SQS",
  ApproximateNumberOfMessagesVisible: "AWS/SQS",
  ExecutionFailed: "AWS/EventBridge/Pipes",
  ExecutionPartiallyFailed: "AWS/EventBridge/Pipes",
  Errors: "AWS/Lambda",
  Throttles: "AWS/Lambda",
  PipesNotRunning: "Ferry",
  StalledTasks: "Ferry",
  TasksFailed: "Ferry",
  RequestsRejected: "Ferry",
};

interface Watched {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions?: Readonly<Record<string, string>>;
}

/** The alarms that look at a metric, by itself or in a sum. */
const alarmsOn = (deployment: Deployment, metric: string, dimension: string, value: string) =>
  ofType(deployment, "MetricAlarm").filter(({ inputs }) => {
    const queries: { metric?: Watched }[] = inputs.metricQueries ?? [{ metric: inputs }];
    return queries.some(
      ({ metric: one }) =>
        one?.metricName === metric &&
        one.namespace === NAMESPACES[metric] &&
        same(one.dimensions, { [dimension]: value }),
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

const throttlesHaveAlarms: Check = {
  name: "throttles-have-alarms",
  broken: (deployment) =>
    Object.keys(consumers).flatMap((name) =>
      unless(
        alarmsOn(deployment, "Throttles", "FunctionName", `ferry-${deployment.stage}-${name}`).length === 1,
        `nobody is told when Lambda has no room for ${name}`,
      ),
    ),
};

/** What waits may wait for as long as the stage says; of all else, one is one too many. */
const alarmsRingInTime: Check = {
  name: "alarms-ring-in-time",
  broken: (deployment) =>
    ofType(deployment, "MetricAlarm").flatMap(({ inputs }) => {
      const isWork = /-(backup|restore)-queue$/.test(inputs.dimensions?.QueueName ?? "");
      const isAge = inputs.metricName === "ApproximateAgeOfOldestMessage";
      const work = deployment.settings.alarmQueueAgeMinutes * 60;
      const most = isAge ? (isWork ? work : 900) : 0;
      const period = inputs.period ?? inputs.metricQueries?.[1]?.metric.period;
      return [
        ...unless(
          inputs.comparisonOperator === "GreaterThanThreshold" && inputs.threshold === most,
          `${inputs.name} rings at ${inputs.comparisonOperator} ${inputs.threshold}, not above ${most}`,
        ),
        ...unless(
          period >= 60 && period * inputs.evaluationPeriods <= 3_600,
          `${inputs.name} rings after ${inputs.evaluationPeriods} times ${period} s`,
        ),
      ];
    }),
};

/** The watch's metrics are looked at as often as it looks; else its silence would ring, or not. */
const watchKeepsPace: Check = {
  name: "watch-keeps-pace",
  broken: (deployment) => {
    const watch = `ferry-${deployment.stage}-watch`;
    const schedule = ofType(deployment, "Schedule").find(({ inputs }) => inputs.name === watch)?.inputs;
    const minutes = Number(/^rate\((\d+) minutes\)$/.exec(schedule?.scheduleExpression ?? "")?.[1]);
    return [
      ...unless(schedule?.target.arn.endsWith(`:function:${watch}`) === true, "nobody wakes the watch"),
      ...unless(
        schedule?.target.roleArn.endsWith(`:role/${watch}-schedule`) === true,
        "the watch's schedule may not wake it",
      ),
      ...["PipesNotRunning", "StalledTasks"].flatMap((metric) =>
        alarmsOn(deployment, metric, "service", watch).flatMap(({ inputs }) =>
          unless(
            inputs.period === minutes * 60,
            `${metric} is looked at every ${inputs.period} s, the watch looks every ${minutes} minutes`,
          ),
        ),
      ),
    ];
  },
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
  broken: (deployment) => [
    ...topicIsHeard(deployment),
    ...ofType(deployment, "MetricAlarm").flatMap(({ inputs }) => [
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
  ],
};

/** CloudWatch may tell the topic, and the topic tells whom the settings name. */
function topicIsHeard(deployment: Deployment): string[] {
  const admits = ofType(deployment, "TopicPolicy")
    .flatMap(({ inputs }) => statementsOf(inputs.policy))
    .some(
      ({ Principal, Action }) =>
        same(Principal, { Service: ["cloudwatch.amazonaws.com"] }) && same(Action, ["sns:Publish"]),
    );
  const { alarmEmail } = deployment.settings;
  const mails = ofType(deployment, "TopicSubscription").map(({ inputs }) => inputs.endpoint);
  return [
    ...unless(admits, "CloudWatch may not tell the topic"),
    ...unless(
      same(mails, alarmEmail === undefined ? [] : [alarmEmail]),
      `mails go to ${mails.join(", ") || "nobody"}`,
    ),
  ];
}

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

export const monitoringChecks: readonly Check[] = [
  everyQueueHasAnAlarm,
  everyPipeHasAnAlarm,
  throttlesHaveAlarms,
  tasksHaveAlarms,
  alarmsRingInTime,
  watchKeepsPace,
  alarmsTellSomeone,
  retriesAreNormal,
  dashboardShowsAll,
];
