/**
 * The watch: every quarter of an hour it counts what no service's metric tells, silent tasks and Pipes that do not run
 * (docs/decisions/0011).
 */
import { ferryFunction } from "./functions.ts";
import { arnOf, named } from "./here.ts";
import { tableLinks } from "./links.ts";
import { pipes } from "./pipes.ts";
import { scheduleGroup } from "./schedules.ts";
import { serviceRole } from "./service-role.ts";
import { settings } from "./settings.ts";
import { BY_STATE, status } from "./status.ts";

export const WATCH_PERIOD_MINUTES = 15;

const watchLink = new sst.Linkable("Watch", {
  properties: {
    pipes: pipes.map((pipe) => pipe.name),
    index: BY_STATE,
    silentMs: settings.stalledAfterMinutes * 60_000,
  },
});

const watch = new sst.aws.Function(
  "WatchWorker",
  ferryFunction("watch", {
    handler: "packages/watch/src/handler.handler",
    description: "Counts silent tasks and stopped Pipes",
    memory: "256 MB",
    timeout: "60 seconds",
    link: [...Object.values(tableLinks), watchLink],
    permissions: [
      {
        actions: ["dynamodb:Query"],
        resources: [
          $interpolate`${status["backup-table"].arn}/index/${BY_STATE}`,
          $interpolate`${status["restore-table"].arn}/index/${BY_STATE}`,
          status["segment-table"].arn,
        ],
      },
      { actions: ["dynamodb:GetItem"], resources: [status["backup-table"].arn, status["restore-table"].arn] },
      {
        actions: ["pipes:DescribePipe"],
        resources: pipes.map((pipe) => arnOf("pipes", `pipe/${pipe.name}`)),
      },
    ],
  }),
);

const role = serviceRole("WatchScheduleRole", {
  name: named("watch-schedule"),
  service: "scheduler.amazonaws.com",
  sourceArn: scheduleGroup.arn,
  statements: [{ actions: ["lambda:InvokeFunction"], resources: [watch.arn] }],
});

new aws.scheduler.Schedule("WatchSchedule", {
  name: named("watch"),
  groupName: scheduleGroup.name,
  state: $dev ? "DISABLED" : "ENABLED",
  scheduleExpression: `rate(${WATCH_PERIOD_MINUTES} minutes)`,
  flexibleTimeWindow: { mode: "OFF" },
  target: {
    arn: watch.arn,
    roleArn: role.arn,
    // The next one comes soon enough; a late count would be of the wrong time.
    retryPolicy: { maximumEventAgeInSeconds: 300, maximumRetryAttempts: 2 },
  },
});
