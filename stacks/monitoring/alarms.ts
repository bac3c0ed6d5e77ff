/**
 * Every alarm. There is none on errors of the workers' invocations: retries are normal, and a message whose attempts ran out
 * is a failed segment, which its task reports. docs/operations.md has a chapter for each alarm (graph/invariants/monitoring.ts).
 */
import {
  type ConsumerName,
  consumers,
  type DeadLetterName,
  type QueueName,
  queues,
  UNDELIVERED_QUEUE,
} from "@ferry/core/topology";
import { physicalNameOf } from "../naming/names.ts";
import { stagePipes } from "../pipes/pipes.ts";
import { settings } from "../settings/stage-settings.ts";
import { createAlarm } from "./alarm.ts";
import { functionMetric, type Metric, ownMetric, pipeMetric, queueMetric } from "./metrics.ts";
import { MONITOR_PERIOD_MINUTES } from "./monitor.ts";

const MONITOR_PERIOD_SECONDS = MONITOR_PERIOD_MINUTES * 60;

for (const queue of Object.keys(queues) as QueueName[]) {
  const isWork = queue === consumers.backup.queue || queue === consumers.restore.queue;
  createAlarm(`${queue}-age`, {
    means: `The oldest message of ${queue} has waited too long.`,
    metric: queueMetric("ApproximateAgeOfOldestMessage", queue),
    statistic: "Maximum",
    // Segments wait for each other under the concurrency limit; the Pipes and the projector take messages within seconds.
    above: isWork ? settings.alarmQueueAgeMinutes * 60 : 15 * 60,
    periods: 2,
  });
}

/** The queues of messages that were not processed. No function or Pipe reads them. */
export const unprocessedQueues: (DeadLetterName | typeof UNDELIVERED_QUEUE)[] = [
  ...Object.values(queues).flatMap(({ deadLetters }) =>
    deadLetters === "redrive-queue" ? [] : [deadLetters],
  ),
  UNDELIVERED_QUEUE,
];
for (const queue of unprocessedQueues)
  createAlarm(queue, {
    essential: true,
    means: `A message arrived in ${queue}. It was not processed, and stays there until an operator handles it.`,
    metric: queueMetric("ApproximateNumberOfMessagesVisible", queue),
    statistic: "Maximum",
    periodSeconds: 60,
  });

for (const pipe of stagePipes)
  createAlarm(`${pipe.key}-pipe`, {
    means: `The Pipe ${pipe.key} failed to put an event on the bus.`,
    metric: pipeMetric("ExecutionFailed", pipe),
    // A batch of a stream's records may fail in part.
    plus: "ExecutionPartiallyFailed",
    statistic: "Sum",
  });

createAlarm("pipes-stopped", {
  essential: true,
  means: "A Pipe is not running.",
  metric: ownMetric("PipesNotRunning", "monitor"),
  statistic: "Maximum",
  periodSeconds: MONITOR_PERIOD_SECONDS,
});
createAlarm("stalled-tasks", {
  essential: true,
  means: `A task that has not ended made no progress for ${settings.stalledAfterMinutes} minutes, or the monitor itself does not run.`,
  metric: ownMetric("StalledTasks", "monitor"),
  statistic: "Maximum",
  periodSeconds: MONITOR_PERIOD_SECONDS,
  periods: 2,
  breachOnMissingData: true,
});

for (const { name } of settings.schedules)
  createAlarm(
    "backup-overdue",
    {
      essential: true,
      means: `A table of the schedule ${name} has no recent backup, or the monitor itself does not run.`,
      metric: ownMetric("OverdueBackups", "monitor", { schedule: name }),
      statistic: "Maximum",
      periodSeconds: MONITOR_PERIOD_SECONDS,
      periods: 2,
      breachOnMissingData: true,
    },
    name,
  );

// EventBridge publishes these metrics by bus and rule, and only if they are not zero.
const ofBus = (name: string): Metric => ({
  namespace: "AWS/Events",
  name,
  dimensions: { EventBusName: physicalNameOf("bus") },
});
createAlarm("failed-deliveries", {
  means: "A rule of the bus could not deliver an event to its queue.",
  metric: ofBus("FailedInvocations"),
  overOtherDimensions: true,
  statistic: "Sum",
});
createAlarm("lost-events", {
  means: "An event that could not be delivered could not be put into undelivered-queue either. It is lost.",
  metric: ofBus("InvocationsFailedToBeSentToDlq"),
  overOtherDimensions: true,
  statistic: "Sum",
});
createAlarm("dropped-schedules", {
  means: "A schedule could not put its request, or the monitor could not be invoked.",
  metric: {
    namespace: "AWS/Scheduler",
    name: "InvocationDroppedCount",
    dimensions: { ScheduleGroup: physicalNameOf("bus") },
  },
  plus: "InvocationsFailedToBeSentToDeadLetterCount",
  statistic: "Sum",
});

createAlarm("failed-tasks", {
  essential: true,
  means: "A task failed.",
  metric: ownMetric("TasksFailed", "projection"),
  statistic: "Sum",
});
createAlarm("rejected-requests", {
  means: "A request was rejected; its row has the reasons.",
  metric: ownMetric("RequestsRejected", "projection"),
  statistic: "Sum",
});

for (const name of Object.keys(consumers) as ConsumerName[])
  createAlarm(`${name}-throttles`, {
    means: `Lambda throttled the ${name} function for 15 minutes.`,
    metric: functionMetric("Throttles", name),
    statistic: "Sum",
    periods: 3,
  });
