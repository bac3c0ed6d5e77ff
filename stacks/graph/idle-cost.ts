/** What a stage costs in a month in which no task runs: list prices of us-east-1, without the free quotas of an account. */
import type { Graph } from "./synth/graph.ts";

const MONTH_SECONDS = 30 * 24 * 3_600;
/** Lambda and Pipes read a queue with five long polls of 20 s at a time. */
const RECEIVES_PER_QUEUE = (5 * MONTH_SECONDS) / 20;
/** The metrics that the monitor publishes although no task runs: one, and one for each schedule. */
const HEARTBEATS = 1;

const PRICES = {
  alarmMetric: 0.1,
  dashboard: 3,
  customMetric: 0.3,
  millionReceives: 0.4,
};

export interface IdleCost {
  readonly what: string;
  readonly count: number;
  readonly dollars: number;
}

export function idleCosts({ resources }: Graph, schedules: number): IdleCost[] {
  const ofType = (type: string) => resources.filter((one) => one.type.endsWith(`:${type}`));
  const alarmMetrics = ofType("MetricAlarm").flatMap(({ inputs }) =>
    // An expression over listed metrics costs what they cost; one that selects metrics costs at least one.
    (inputs.metricQueries ?? [inputs]).filter(
      (query: { metric?: object; metricName?: string; expression?: string }) =>
        query.metric !== undefined ||
        query.metricName !== undefined ||
        query.expression?.startsWith("SELECT"),
    ),
  ).length;
  const readers =
    ofType("EventSourceMapping").length +
    ofType("Pipe").filter(({ inputs }) => inputs.source.includes(":sqs:")).length;
  const receives = readers * RECEIVES_PER_QUEUE;
  const cost = (what: string, count: number, dollars: number): IdleCost => ({ what, count, dollars });
  return [
    cost("metrics of alarms", alarmMetrics, alarmMetrics * PRICES.alarmMetric),
    cost("dashboards", ofType("Dashboard").length, ofType("Dashboard").length * PRICES.dashboard),
    cost("custom metrics", HEARTBEATS + schedules, (HEARTBEATS + schedules) * PRICES.customMetric),
    cost("empty receives", receives, (receives / 1_000_000) * PRICES.millionReceives),
  ];
}
