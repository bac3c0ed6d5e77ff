/**
 * The monitor: a function that counts stalled tasks, stopped Pipes and overdue backups every 15 minutes, and announces tasks again whose
 * announcement was lost. No service does any of this (docs/decisions/0011).
 */
import { ferryFunction } from "../functions/ferry-function.ts";
import { statusTableLinks } from "../functions/links.ts";
import { resourceName } from "../naming/names.ts";
import { permissions } from "../permissions/function-permissions.ts";
import { serviceRole } from "../permissions/service-role.ts";
import { stagePipes } from "../pipes/pipes.ts";
import { scheduleGroup } from "../schedules/schedules.ts";
import { scheduledBackups } from "../settings/schedule-entries.ts";
import { settings } from "../settings/stage-settings.ts";

export const MONITOR_PERIOD_MINUTES = 15;

const monitorLink = new sst.Linkable("Monitor", {
  properties: {
    pipes: stagePipes.map((pipe) => pipe.name),
    stalledAfterMs: settings.stalledAfterMinutes * 60_000,
    schedules: settings.schedules.map(scheduledBackups),
  },
});

const monitor = new sst.aws.Function(
  "MonitorWorker",
  ferryFunction("monitor", {
    handler: "packages/aws/src/functions/monitor.handler",
    description: "Counts stalled tasks, stopped Pipes and overdue backups",
    memory: "256 MB",
    timeout: "60 seconds",
    link: [...statusTableLinks, monitorLink],
    permissions: permissions.monitor,
  }),
);

const role = serviceRole("MonitorScheduleRole", {
  name: resourceName("monitor-schedule"),
  service: "scheduler.amazonaws.com",
  sourceArn: scheduleGroup.arn,
  statements: [{ actions: ["lambda:InvokeFunction"], resources: [monitor.arn] }],
});

new aws.scheduler.Schedule("MonitorSchedule", {
  name: resourceName("monitor"),
  groupName: scheduleGroup.name,
  state: $dev ? "DISABLED" : "ENABLED",
  scheduleExpression: `rate(${MONITOR_PERIOD_MINUTES} minutes)`,
  flexibleTimeWindow: { mode: "OFF" },
  target: {
    arn: monitor.arn,
    roleArn: role.arn,
    // The next run is soon, and a late count would be counted at the wrong time.
    retryPolicy: { maximumEventAgeInSeconds: 300, maximumRetryAttempts: 2 },
  },
});
