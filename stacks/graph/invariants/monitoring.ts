/** Alarms. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../synth/bundle.ts";
import { type Deployment, type Invariant, ofType, unless } from "./invariant.ts";

/** The alarms that docs/operations.md explains, each in a chapter of its own. */
const chapters = () =>
  [...readFileSync(path.join(root, "docs/operations.md"), "utf8").matchAll(/^### `(.+)`$/gm)].map(
    ([, name]) => name!,
  );

const alarmNames = (deployment: Deployment) =>
  ofType(deployment, "MetricAlarm").map(({ inputs }) =>
    String(inputs.name).replace(`ferry-${deployment.graph.app.stage}-`, ""),
  );

const alarmsAreExplained: Invariant = {
  name: "alarms-are-explained",
  reason: "An alarm's description sends the operator to docs/operations.md, which must say what to do.",
  violations: (deployment) => {
    const documented = chapters();
    const alarms = alarmNames(deployment);
    return [
      ...alarms
        .filter((name) => !documented.includes(name))
        .map((name) => `docs/operations.md has no chapter for the alarm ${name}`),
      ...documented
        .filter((name) => !alarms.includes(name))
        .map((name) => `docs/operations.md has a chapter for ${name}, which is no alarm`),
    ];
  },
};

/** The metrics and their dimensions that an alarm watches: "ApproximateAgeOfOldestMessage ferry-beta-backup-queue". */
const watched = (deployment: Deployment) =>
  ofType(deployment, "MetricAlarm").flatMap(({ inputs }) =>
    (inputs.metricQueries ?? [{ metric: inputs }]).flatMap(
      ({ metric }: { metric?: { metricName: string; dimensions?: Record<string, string> } }) =>
        metric === undefined ? [] : [`${metric.metricName} ${Object.values(metric.dimensions ?? {})}`],
    ),
  );

const everyQueueAndPipeHasAnAlarm: Invariant = {
  name: "every-queue-and-pipe-has-an-alarm",
  reason: "A queue that is not read, or a Pipe that fails, stops tasks without an error anywhere else.",
  violations: (deployment) => {
    const metrics = watched(deployment);
    return [
      ...ofType(deployment, "Queue").map(({ inputs }) =>
        inputs.redrivePolicy === undefined
          ? `ApproximateNumberOfMessagesVisible ${inputs.name}`
          : `ApproximateAgeOfOldestMessage ${inputs.name}`,
      ),
      ...ofType(deployment, "Pipe").map(({ inputs }) => `ExecutionFailed ${inputs.name}`),
    ].flatMap((metric) => unless(metrics.includes(metric), `no alarm watches ${metric}`));
  },
};

export const monitoringInvariants: readonly Invariant[] = [alarmsAreExplained, everyQueueAndPipeHasAnAlarm];
