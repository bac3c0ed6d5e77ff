/** Every queue and Pipe has an alarm, and docs/operations.md explains every alarm. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../synth/bundle.ts";
import { type Deployment, type Invariant, resourcesOfType, violationUnless } from "./invariant.ts";

/** The alarms that docs/operations.md explains, one per chapter. */
const chapters = () =>
  [...readFileSync(path.join(root, "docs/operations.md"), "utf8").matchAll(/^### `(.+)`$/gm)].map(
    ([, name]) => name!,
  );

const alarmNames = (deployment: Deployment) =>
  resourcesOfType(deployment, "MetricAlarm").map(({ inputs }) =>
    String(inputs.name).replace(`ferry-${deployment.graph.app.stage}-`, ""),
  );

const alarmsAreExplained: Invariant = {
  name: "alarms-are-explained",
  reason: "An alarm's description refers the operator to docs/operations.md, which must explain it.",
  violations: (deployment) => {
    const documented = chapters();
    const alarms = alarmNames(deployment);
    return [
      ...alarms
        .filter((name) => !documented.includes(name))
        .map((name) => `docs/operations.md has no chapter for the alarm ${name}`),
      ...documented
        .filter((name) => !alarms.includes(name))
        .map((name) => `docs/operations.md has a chapter for ${name}, which is not an alarm`),
    ];
  },
};

/** The metrics of the alarms, with their dimensions: "ApproximateAgeOfOldestMessage ferry-beta-backup-queue". */
const alarmMetrics = (deployment: Deployment) =>
  resourcesOfType(deployment, "MetricAlarm").flatMap(({ inputs }) =>
    (inputs.metricQueries ?? [{ metric: inputs }]).flatMap(
      ({ metric }: { metric?: { metricName: string; dimensions?: Record<string, string> } }) =>
        metric === undefined ? [] : [`${metric.metricName} ${Object.values(metric.dimensions ?? {})}`],
    ),
  );

const everyQueueAndPipeHasAnAlarm: Invariant = {
  name: "every-queue-and-pipe-has-an-alarm",
  reason: "A queue that is not read, or a Pipe that fails, stops tasks without any other error.",
  violations: (deployment) => {
    const metrics = alarmMetrics(deployment);
    return [
      ...resourcesOfType(deployment, "Queue").map(({ inputs }) =>
        inputs.redrivePolicy === undefined
          ? `ApproximateNumberOfMessagesVisible ${inputs.name}`
          : `ApproximateAgeOfOldestMessage ${inputs.name}`,
      ),
      ...resourcesOfType(deployment, "Pipe").map(({ inputs }) => `ExecutionFailed ${inputs.name}`),
    ].flatMap((metric) => violationUnless(metrics.includes(metric), `no alarm has the metric ${metric}`));
  },
};

export const monitoringInvariants: readonly Invariant[] = [alarmsAreExplained, everyQueueAndPipeHasAnAlarm];
