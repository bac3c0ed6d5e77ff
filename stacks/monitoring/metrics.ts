/** The metrics that alarms and the dashboard read. */
import type { ConsumerName } from "@ferry/core/topology";
import { METRICS_NAMESPACE, physicalNameOf, resourceName, type TopologyName } from "../naming/names.ts";
import type { stagePipes } from "../pipes/pipes.ts";

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

export const queueMetric = (name: string, queue: TopologyName): Metric => ({
  namespace: "AWS/SQS",
  name,
  dimensions: { QueueName: physicalNameOf(queue) },
});

/** A metric that a function of Ferry publishes. */
export const ownMetric = (
  name: string,
  service: ConsumerName | "monitor",
  more: Readonly<Record<string, string>> = {},
): Metric => ({
  namespace: METRICS_NAMESPACE,
  name,
  dimensions: { service: resourceName(service), ...more },
});

export const functionMetric = (name: string, consumer: ConsumerName): Metric => ({
  namespace: "AWS/Lambda",
  name,
  dimensions: { FunctionName: resourceName(consumer) },
});

export const pipeMetric = (name: string, pipe: (typeof stagePipes)[number]): Metric => ({
  namespace: "AWS/EventBridge/Pipes",
  name,
  dimensions: { PipeName: pipe.name },
});
