/** One alarm that tells the stage's topic, when it rings and when it stops. */
import { logical, named } from "../here.ts";
import { topic } from "./topic.ts";

interface Alarm {
  readonly means: string;
  readonly metric: { namespace: string; name: string; dimensions: Record<string, string> };
  /** Another metric of the same thing, to be added to it. */
  readonly and?: string;
  readonly statistic: "Sum" | "Maximum";
  /** It rings above this. */
  readonly above: number;
  readonly periodSeconds: number;
  /** How many periods in a row; 1 if absent. */
  readonly periods?: number;
  /** No data is the very thing to be told. */
  readonly silenceRings?: boolean;
}

/** Every alarm that was made, for the dashboard. */
export const alarms: aws.cloudwatch.MetricAlarm[] = [];

export function alarm(name: string, about: Alarm) {
  const built = new aws.cloudwatch.MetricAlarm(`${logical(name)}Alarm`, {
    name: named(name),
    alarmDescription: `${about.means} See docs/operations.md, "${name}".`,
    ...watched(about),
    evaluationPeriods: about.periods ?? 1,
    threshold: about.above,
    comparisonOperator: "GreaterThanThreshold",
    treatMissingData: about.silenceRings && !$dev ? "breaching" : "notBreaching",
    // A developer's stage wakes nobody.
    actionsEnabled: !$dev,
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  });
  alarms.push(built);
}

/** One metric, or the sum of two. */
function watched({ metric, and, statistic, periodSeconds }: Alarm) {
  const { namespace, name, dimensions } = metric;
  if (and === undefined) return { namespace, metricName: name, dimensions, statistic, period: periodSeconds };
  const part = (id: string, metricName: string) => ({
    id,
    metric: { namespace, metricName, dimensions, stat: statistic, period: periodSeconds },
  });
  return {
    metricQueries: [
      { id: "sum", expression: "FILL(first, 0) + FILL(second, 0)", label: name, returnData: true },
      part("first", name),
      part("second", and),
    ],
  };
}
