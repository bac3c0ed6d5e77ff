/** The dashboard's widgets, in the form of CloudWatch's dashboard body. */
export type Metric = readonly [namespace: string, name: string, ...dimensionsAndOptions: unknown[]];

interface Graph {
  readonly title: string;
  readonly metrics: readonly (Metric | readonly [{ expression: string; id?: string; label?: string }])[];
  readonly stat?: "Sum" | "Maximum" | "Average";
  readonly label?: string;
}

/** A graph over time. Without metrics there is no widget, because CloudWatch refuses a dashboard with an empty graph. */
export const graphWidget = (region: string, graph: Graph) =>
  graph.metrics.length === 0
    ? []
    : [
        {
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
        },
      ];

/** A rate per second instead of a sum per minute: the hidden metric, and an expression on its id. */
export const ratePerSecond = (metric: Metric, id: string, label: string) =>
  [
    [...metric, { id, visible: false }] as unknown as Metric,
    [{ expression: `${id}/PERIOD(${id})`, label }],
  ] as const;

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
