/** Every queue and Pipe has an alarm, and docs/operations.md explains every alarm. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { root } from "../synth/bundle.ts";
import type { Resource } from "../synth/graph.ts";
import { type Deployment, type Invariants, resourcesOfType } from "./invariant.ts";

/** The alarms that docs/operations.md explains, one per chapter. */
const chapters = () =>
  [...readFileSync(path.join(root, "docs/operations.md"), "utf8").matchAll(/^### `(.+)`$/gm)].map(
    ([, name]) => name!,
  );

/** The section that an alarm's description names. Alarms on several subjects share one: `backup-overdue-nightly`. */
const chapterOf = ({ graph }: Deployment, { name, alarmDescription }: Resource["inputs"]): string => {
  const chapter = /See docs\/operations\.md, "(.+)"\.$/.exec(alarmDescription)?.[1] ?? "";
  const ownName = `ferry-${graph.app.stage}-${chapter}`;
  return name === ownName || name.startsWith(`${ownName}-`) ? chapter : "";
};

/** The metrics of the alarms, with their dimensions: "ApproximateAgeOfOldestMessage ferry-beta-backup-queue". */
const alarmMetrics = (deployment: Deployment) =>
  resourcesOfType(deployment, "MetricAlarm").flatMap(({ inputs }) =>
    (inputs.metricQueries ?? [{ metric: inputs }]).flatMap(
      ({ metric }: { metric?: { metricName: string; dimensions?: Record<string, string> } }) =>
        metric === undefined ? [] : [`${metric.metricName} ${Object.values(metric.dimensions ?? {})}`],
    ),
  );

export const monitoringInvariants: Invariants = {
  "alarms-are-explained": {
    reason: "An alarm's description refers the operator to docs/operations.md, which must explain it.",
    *violations(deployment) {
      const documented = chapters();
      const alarms = resourcesOfType(deployment, "MetricAlarm").map(({ inputs }) => ({
        name: inputs.name,
        chapter: chapterOf(deployment, inputs),
      }));
      const { profile, schedules } = deployment.settings;
      const absent = profile === "minimal" ? documented : schedules.length === 0 ? ["backup-overdue"] : [];
      for (const { name, chapter } of alarms)
        if (!documented.includes(chapter)) yield `docs/operations.md has no chapter for the alarm ${name}`;
      for (const name of documented)
        if (!absent.includes(name) && !alarms.some(({ chapter }) => chapter === name))
          yield `docs/operations.md has a chapter for ${name}, which is not an alarm`;
    },
  },
  "every-queue-and-pipe-has-an-alarm": {
    reason: "A queue that is not read, or a Pipe that fails, stops tasks without any other error.",
    *violations(deployment) {
      const metrics = alarmMetrics(deployment);
      const queues = resourcesOfType(deployment, "Queue").map(({ inputs }) => inputs);
      const isRead = (queue: Resource["inputs"]) => queue.redrivePolicy !== undefined;
      // In the profile `minimal` the alarms on stopped Pipes and stalled tasks replace those of each queue and Pipe.
      const others =
        deployment.settings.profile === "minimal"
          ? ["PipesNotRunning", "StalledTasks"].map(
              (name) => `${name} ferry-${deployment.graph.app.stage}-monitor`,
            )
          : [
              ...queues.filter(isRead).map(({ name }) => `ApproximateAgeOfOldestMessage ${name}`),
              ...resourcesOfType(deployment, "Pipe").map(({ inputs }) => `ExecutionFailed ${inputs.name}`),
            ];
      const unread = queues
        .filter((queue) => !isRead(queue))
        .map(({ name }) => `ApproximateNumberOfMessagesVisible ${name}`);
      for (const metric of [...unread, ...others])
        if (!metrics.includes(metric)) yield `no alarm has the metric ${metric}`;
    },
  },
  "delivery-failures-have-alarms": {
    reason:
      "An event that neither its queue nor the queue of undelivered events received is lost without any other sign.",
    *violations(deployment) {
      if (deployment.settings.profile === "minimal") return;
      const group = `ferry-${deployment.graph.app.stage}`;
      const metrics = alarmMetrics(deployment);
      const queries = resourcesOfType(deployment, "MetricAlarm").flatMap(({ inputs }) =>
        (inputs.metricQueries ?? []).map(({ expression }: { expression?: string }) => expression),
      );
      for (const metric of ["FailedInvocations", "InvocationsFailedToBeSentToDlq"])
        if (!queries.includes(`SELECT SUM(${metric}) FROM "AWS/Events" WHERE EventBusName = '${group}'`))
          yield `no alarm has the bus's metric ${metric}`;
      for (const metric of ["InvocationDroppedCount", "InvocationsFailedToBeSentToDeadLetterCount"])
        if (!metrics.includes(`${metric} ${group}`)) yield `no alarm has Scheduler's metric ${metric}`;
    },
  },
  "missing-backups-are-noticed": {
    reason:
      "A schedule or rule that is disabled starts no task, so no task fails. An alarm compares the rows with the schedule, and starts without data.",
    *violations(deployment) {
      const { graph, settings } = deployment;
      const alarms = resourcesOfType(deployment, "MetricAlarm").map(({ inputs }) => inputs);
      for (const { name } of settings.schedules) {
        const dimensions = { service: `ferry-${graph.app.stage}-monitor`, schedule: name };
        const alarm = alarms.find(
          (one) => one.metricName === "OverdueBackups" && isDeepStrictEqual(one.dimensions, dimensions),
        );
        if (alarm === undefined) yield `the schedule ${name} has no alarm for overdue backups`;
        else if (!graph.dev && alarm.treatMissingData !== "breaching")
          yield `the alarm for overdue backups of ${name} does not start without data`;
      }
    },
  },
};
