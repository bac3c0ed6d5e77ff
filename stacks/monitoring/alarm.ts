/** One alarm. It notifies the stage's topic when it starts and when it ends. */
import { logicalNameOf, resourceName } from "../naming/names.ts";
import { settings } from "../settings/stage-settings.ts";
import type { Metric } from "./metrics.ts";
import { topic } from "./topic.ts";

interface Alarm {
  readonly means: string;
  readonly metric: Metric;
  /** Another metric with the same namespace and dimensions, added to the first. */
  readonly plus?: string;
  /** Add up the metric of all dimensions that include these. */
  readonly overOtherDimensions?: boolean;
  readonly statistic: "Sum" | "Maximum";
  /** The alarm starts above this value; 0 if absent. */
  readonly above?: number;
  /** 300 if absent. */
  readonly periodSeconds?: number;
  /** How many periods in a row; 1 if absent. */
  readonly periods?: number;
  /** Whether it exists in the profile `minimal` too: without it a loss would not be noticed. */
  readonly essential?: boolean;
  /** Treat missing data as breaching: for a metric whose absence is itself a fault. */
  readonly breachOnMissingData?: boolean;
}

/** Every alarm that was created, for the dashboard. */
export const alarms: aws.cloudwatch.MetricAlarm[] = [];

/** Creates an alarm. `subject`: one of several alarms with the same name, of which operations.md has one chapter. */
export function createAlarm(name: string, alarm: Alarm, subject?: string) {
  if (settings.profile === "minimal" && !alarm.essential) return;
  const suffix = subject === undefined ? "" : `-${subject}`;
  const built = new aws.cloudwatch.MetricAlarm(`${logicalNameOf(name)}Alarm${suffix}`, {
    name: `${resourceName(name)}${suffix}`,
    alarmDescription: `${alarm.means} See docs/operations.md, "${name}".`,
    ...metricOf(alarm),
    evaluationPeriods: alarm.periods ?? 1,
    threshold: alarm.above ?? 0,
    comparisonOperator: "GreaterThanThreshold",
    treatMissingData: alarm.breachOnMissingData && !$dev ? "breaching" : "notBreaching",
    // The alarms of a developer's stage do not notify.
    actionsEnabled: !$dev,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });
  alarms.push(built);
}

/** One metric, the sum of two, or the sum over the other dimensions. */
function metricOf({ metric, plus, overOtherDimensions, statistic, periodSeconds: period = 300 }: Alarm) {
  const { namespace, name, dimensions } = metric;
  if (overOtherDimensions) {
    const where = Object.entries(dimensions).map(([dimension, value]) => `${dimension} = '${value}'`);
    const expression = `SELECT SUM(${name}) FROM "${namespace}" WHERE ${where.join(" AND ")}`;
    return {
      metricQueries: [{ id: "sum", expression, label: name, period, returnData: true }],
    };
  }
  if (plus === undefined) return { namespace, metricName: name, dimensions, statistic, period };
  const part = (id: string, metricName: string) => ({
    id,
    metric: { namespace, metricName, dimensions, stat: statistic, period },
  });
  return {
    metricQueries: [
      { id: "sum", expression: "FILL(first, 0) + FILL(second, 0)", label: name, returnData: true },
      part("first", name),
      part("second", plus),
    ],
  };
}
