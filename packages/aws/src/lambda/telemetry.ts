/**
 * Logs and metrics. Environment variables alone disable or redirect them: POWERTOOLS_LOG_LEVEL,
 * POWERTOOLS_METRICS_DISABLED, POWERTOOLS_METRICS_NAMESPACE, POWERTOOLS_SERVICE_NAME (the metrics' only dimension).
 */

import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { messageOf } from "@ferry/core/errors/errors";
import { countsSchema, type FerryEvent, type Message } from "@ferry/core/events/events";
import { fieldOf } from "@ferry/core/events/schema-parts";
import { type ConsumerName, type QueueName, queues } from "@ferry/core/topology";
import type { SQSRecord } from "aws-lambda";
import * as v from "valibot";

const env = (name: string, otherwise: string) => process.env[name] || otherwise;

/** The part of a Logger that handlers use. */
export type Log = Pick<Logger, "info" | "warn" | "error">;

/** A handler's log. */
export function loggerOf(consumer: ConsumerName): Log {
  return new Logger({ serviceName: env("POWERTOOLS_SERVICE_NAME", `ferry-${consumer}`) });
}

/** Units of metrics; all others are counts. */
const UNITS: Readonly<Record<string, (typeof MetricUnit)[keyof typeof MetricUnit]>> = {
  Bytes: MetricUnit.Bytes,
  Duration: MetricUnit.Milliseconds,
};

export type Measurements = Readonly<Record<string, number>>;

/** Publishes an invocation's measurements, names to values, without zeros. */
export type Publish = (measurements: Measurements) => void;

/** A handler's metrics. */
export function metricsOf(consumer: ConsumerName): Publish {
  return (measurements) => {
    const counted = Object.entries(measurements).filter(([, value]) => value !== 0);
    if (counted.length === 0) return;
    // A new instance each time: invocations may run concurrently in one process.
    const metrics = new Metrics({
      namespace: env("POWERTOOLS_METRICS_NAMESPACE", "Ferry"),
      serviceName: env("POWERTOOLS_SERVICE_NAME", `ferry-${consumer}`),
    });
    for (const [name, value] of counted) metrics.addMetric(name, UNITS[name] ?? MetricUnit.Count, value);
    metrics.publishStoredMetrics();
  };
}

/** A message's log fields. Its detail may have any shape. */
export function aboutMessage(record: SQSRecord, message?: Message) {
  const detail = message?.event.detail;
  const task = fieldOf(detail, "task");
  return {
    messageId: record.messageId,
    receiveCount: receiveCountOf(record),
    step: message?.event["detail-type"],
    task: fieldOf(task, "id"),
    "request-id": fieldOf(task, "request-id"),
    segment: fieldOf(detail, "segment"),
    attempt: fieldOf(detail, "attempt"),
  };
}

/** How much of an unreadable message's body is logged, in characters. */
const BODY_START_LENGTH = 200;

/**
 * Logs a message that no rule of Ferry wrote: once, because each further delivery ends in the same way, and without a stack,
 * which would be the parser's.
 */
export function logUnreadable(logger: Log, record: SQSRecord, error: unknown): void {
  if (receiveCountOf(record) > 1) return;
  logger.error(
    "the message is not one of Ferry's; after some deliveries its queue moves it to its dead letters",
    {
      ...aboutMessage(record),
      ...whereItGoes(record),
      body: record.body.slice(0, BODY_START_LENGTH),
      reason: messageOf(error),
    },
  );
}

/** The message's queue, and the one to which it is moved. Their names begin with `ferry-STAGE-`. */
function whereItGoes({ eventSourceARN }: SQSRecord) {
  const queue = eventSourceARN.slice(eventSourceARN.lastIndexOf(":") + 1);
  const name = Object.keys(queues).find((one) => queue.endsWith(`-${one}`)) as QueueName | undefined;
  if (name === undefined) return { queue };
  return { queue, deadLetters: `${queue.slice(0, -name.length)}${queues[name].deadLetters}` };
}

export function receiveCountOf(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount) || 1;
}

/**
 * A step's measurements, from the events that conclude it. `Items`, `Bytes` (uncompressed) and `Batches` are what this
 * slice moved; a repeated slice counts again what an earlier one did.
 */
export function measure(message: Message, events: readonly FerryEvent[]): Measurements {
  const work = v.safeParse(v.object({ counts: countsSchema }), message.event.detail);
  const before = work.success ? work.output.counts : undefined;
  const sum = {
    Items: 0,
    Bytes: 0,
    Batches: 0,
    SegmentsCompleted: 0,
    SegmentsFailed: 0,
    RequestsRejected: 0,
    ControlsRefused: 0,
  };
  for (const event of events) {
    if (event.type === "SegmentFailed") sum.SegmentsFailed++;
    if (event.type === "TaskRejected") sum.RequestsRejected++;
    if (event.type === "TaskControlRefused") sum.ControlsRefused++;
    if (event.type === "SegmentCompleted") sum.SegmentsCompleted++;
    if (event.type !== "SegmentCompleted" && event.type !== "SegmentProgressed") continue;
    sum.Items += event.detail.counts.items - (before?.items ?? 0);
    sum.Bytes += event.detail.counts.bytes - (before?.bytes ?? 0);
    sum.Batches += event.detail.counts.batches - (before?.batches ?? 0);
  }
  return sum;
}
