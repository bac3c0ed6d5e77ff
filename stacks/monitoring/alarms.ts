/**
 * What wakes somebody. Not here, on purpose: errors of the workers' invocations, since a retried message is Ferry at
 * work; a message that no retry helped is a failed segment, and a failed segment is told by its task.
 * docs/operations.md has a chapter for each alarm, and a test holds the two against each other.
 */
import {
  type ConsumerName,
  consumers,
  type DeadLetterName,
  type QueueName,
  queues,
} from "@ferry/core/topology";
import { METRICS_NAMESPACE, named, physical } from "../here.ts";
import { pipes } from "../pipes.ts";
import { settings } from "../settings.ts";
import { WATCH_PERIOD_MINUTES } from "../watch.ts";
import { alarm } from "./alarm.ts";

const sqs = (name: string, queue: Parameters<typeof physical>[0]) => ({
  namespace: "AWS/SQS",
  name,
  dimensions: { QueueName: physical(queue) },
});
const own = (name: string, service: string) => ({
  namespace: METRICS_NAMESPACE,
  name,
  dimensions: { service: named(service) },
});

/** What waits too long: nobody takes it, or there is far more work than the workers may do at once. */
for (const queue of Object.keys(queues) as QueueName[]) {
  const isWork = queue === consumers.backup.queue || queue === consumers.restore.queue;
  alarm(`${queue}-age`, {
    means: `The oldest message of ${queue} waits for too long.`,
    metric: sqs("ApproximateAgeOfOldestMessage", queue),
    statistic: "Maximum",
    // Segments wait for each other under the concurrency limit; what a Pipe or the projector takes waits for seconds.
    above: isWork ? settings.alarmQueueAgeMinutes * 60 : 15 * 60,
    periodSeconds: 300,
    periods: 2,
  });
}

const setAside: (DeadLetterName | "undelivered-queue")[] = [
  ...Object.values(queues).flatMap(({ deadLetters }) =>
    deadLetters === "redrive-queue" ? [] : [deadLetters],
  ),
  "undelivered-queue",
];
for (const queue of setAside)
  alarm(queue, {
    means: `A message came to ${queue}: something was not processed, and nothing will process it by itself.`,
    metric: sqs("ApproximateNumberOfMessagesVisible", queue),
    statistic: "Maximum",
    above: 0,
    periodSeconds: 60,
  });

for (const pipe of pipes)
  alarm(`${pipe.key}-pipe`, {
    means: `The Pipe ${pipe.key} failed to put what it read on the bus.`,
    metric: {
      namespace: "AWS/EventBridge/Pipes",
      name: "ExecutionFailed",
      dimensions: { PipeName: pipe.name },
    },
    // A batch of a stream's records may fail in part.
    and: "ExecutionPartiallyFailed",
    statistic: "Sum",
    above: 0,
    periodSeconds: 300,
  });

alarm("pipes-stopped", {
  means: "A Pipe is not running.",
  metric: own("PipesNotRunning", "watch"),
  statistic: "Maximum",
  above: 0,
  periodSeconds: WATCH_PERIOD_MINUTES * 60,
});
alarm("stalled-tasks", {
  means: `A task that has not ended was silent for ${settings.stalledAfterMinutes} minutes, or the watch itself does not run.`,
  metric: own("StalledTasks", "watch"),
  statistic: "Maximum",
  above: 0,
  periodSeconds: WATCH_PERIOD_MINUTES * 60,
  periods: 2,
  silenceRings: true,
});

alarm("failed-tasks", {
  means: "A task failed.",
  metric: own("TasksFailed", "projection"),
  statistic: "Sum",
  above: 0,
  periodSeconds: 300,
});
alarm("rejected-requests", {
  means: "A request was rejected: its row says why.",
  metric: own("RequestsRejected", "projection"),
  statistic: "Sum",
  above: 0,
  periodSeconds: 300,
});

for (const name of Object.keys(consumers) as ConsumerName[])
  alarm(`${name}-throttles`, {
    means: `Lambda has no room for the ${name} function, for a quarter of an hour.`,
    metric: { namespace: "AWS/Lambda", name: "Throttles", dimensions: { FunctionName: named(name) } },
    statistic: "Sum",
    above: 0,
    periodSeconds: 300,
    periods: 3,
  });
