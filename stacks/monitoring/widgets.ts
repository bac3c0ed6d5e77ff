/** The dashboard's widgets, in the form of CloudWatch's dashboard body. */
import type { Metric } from "./metrics.ts";

/** A metric or an expression of a graph. */
export type GraphedMetric = readonly unknown[];

export interface DashboardGraph {
  readonly title: string;
  readonly metrics: readonly GraphedMetric[];
  readonly stat?: "Maximum";
  readonly label?: string;
}

const inGraph = ({ namespace, name, dimensions }: Metric, options: object): GraphedMetric => [
  namespace,
  name,
  ...Object.entries(dimensions).flat(),
  options,
];

/** A metric with its label; `region` if it is not the dashboard's. */
export const graphed = (metric: Metric, label: string, region?: string): GraphedMetric =>
  inGraph(metric, { ...(region !== undefined && { region }), label });

/** A rate per second instead of a sum per minute: the hidden metric, and an expression on its id. */
export const ratePerSecond = (metric: Metric, id: string, label: string): GraphedMetric[] => [
  inGraph(metric, { id, visible: false }),
  [{ expression: `${id}/PERIOD(${id})`, label }],
];

/** A graph over time. */
export const graphWidget = (region: string, graph: DashboardGraph) => ({
  type: "metric",
  width: 12,
  height: 6,
  properties: {
    title: graph.title,
    region,
    view: "timeSeries",
    stat: graph.stat ?? "Sum",
    period: 60,
    stacked: false,
    metrics: graph.metrics,
    ...(graph.label !== undefined && {
      yAxis: { left: { label: graph.label, min: 0, showUnits: false } },
    }),
  },
});

export const textWidget = (markdown: string) => ({
  type: "text",
  width: 24,
  height: 2,
  properties: { markdown },
});

/** The state of every alarm. */
export const alarmStates = (arns: readonly string[]) => ({
  type: "alarm",
  width: 24,
  height: 4,
  properties: { title: "Alarms", alarms: arns },
});
