/**
 * The nightly backups: EventBridge Scheduler entries that put a request on the bus, one for each table. No function.
 */
import { SOURCE } from "@ferry/core/events";
import { bus } from "./bus.ts";
import { named, physical } from "./here.ts";
import { queues } from "./queues.ts";
import { entriesOf } from "./schedule-entries.ts";
import { serviceRole } from "./service-role.ts";
import { settings } from "./settings.ts";

/** All of Ferry's schedules, the watch's too, so that their roles can be bound to them. */
export const scheduleGroup = new aws.scheduler.ScheduleGroup("Schedules", { name: physical("bus") });

const undelivered = queues["undelivered-queue"].arn;

const role = serviceRole("SchedulesRole", {
  name: named("schedules"),
  service: "scheduler.amazonaws.com",
  sourceArn: scheduleGroup.arn,
  statements: [
    {
      actions: ["events:PutEvents"],
      resources: [bus.arn],
      conditions: [
        { test: "StringEquals", variable: "events:source", values: [SOURCE] },
        { test: "StringEquals", variable: "events:detail-type", values: ["TaskRequested"] },
      ],
    },
    { actions: ["sqs:SendMessage"], resources: [undelivered] },
  ],
});

for (const entry of settings.schedules.flatMap(entriesOf)) {
  new aws.scheduler.Schedule(`Schedule-${entry.name}`, {
    name: entry.name,
    groupName: scheduleGroup.name,
    // A developer's stage has the same tables as the shared one: they are backed up there.
    state: $dev ? "DISABLED" : "ENABLED",
    scheduleExpression: entry.expression,
    scheduleExpressionTimezone: entry.timezone,
    flexibleTimeWindow:
      entry.windowMinutes === 0
        ? { mode: "OFF" }
        : { mode: "FLEXIBLE", maximumWindowInMinutes: entry.windowMinutes },
    target: {
      arn: bus.arn,
      roleArn: role.arn,
      eventbridgeParameters: { source: SOURCE, detailType: "TaskRequested" },
      input: JSON.stringify(entry.detail),
      retryPolicy: { maximumEventAgeInSeconds: 3_600, maximumRetryAttempts: 20 },
      deadLetterConfig: { arn: undelivered },
    },
  });
}
