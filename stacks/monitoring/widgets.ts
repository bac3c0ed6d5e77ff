/** The parts of the dashboard, as CloudWatch's dashboard body takes them. */
export type Metric = readonly [namespace: string, name: string, ...dimensionsAndOptions: unknown[]];

interface Graph {
  readonly title: string;
  readonly metrics: readonly (Metric | readonly [{ expression: string; id?: string; label?: string }])[];
  readonly stat?: "Sum" | "Maximum" | "Average";
  readonly label?: string;
  readonly stacked?: boolean;
  /** The whole row instead of a half. */
  readonly wide?: boolean;
}

/** A graph over time. */
export const graph = (region: string, about: Graph) => ({
  type: "metric",
  width: about.wide ? 24 : 12,
  height: 6,
  properties: {
    title: about.title,
    region,
    view: "timeSeries",
    stat: about.stat ?? "Sum",
    period: 60,
    stacked: about.stacked ?? false,
    metrics: about.metrics,
    ...(about.label !== undefined && { yAxis: { left: { label: about.label, min: 0, showUnits: false } } }),
  },
});

/** Per second instead of per minute: the metric under an id, hidden, and its rate. */
export const rate = (metric: Metric, id: string, label: string) =>
  [
    [...metric, { id, visible: false }] as unknown as Metric,
    [{ expression: `${id}/PERIOD(${id})`, label }],
  ] as const;

export const text = (markdown: string) => ({
  type: "text",
  width: 24,
  height: 2,
  properties: { markdown },
});

/** The state of every alarm, at a glance. */
export const alarmStates = (arns: readonly string[]) => ({
  type: "alarm",
  width: 24,
  height: 4,
  properties: { title: "Alarms", alarms: arns },
});
