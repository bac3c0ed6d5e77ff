/**
 * The stage's schedules: EventBridge Scheduler entries that put a request on the bus, one for each table, without a
 * function.
 */
import { SOURCE } from "@ferry/core/events/events";
import { bus } from "../bus/bus.ts";
import { physicalNameOf, resourceName } from "../naming/names.ts";
import { useOwnKey } from "../permissions/own-key.ts";
import { putConditions } from "../permissions/put-events.ts";
import { serviceRole } from "../permissions/service-role.ts";
import { stageQueues } from "../queues/queues.ts";
import { scheduleEntries } from "../settings/schedule-entries.ts";
import { settings } from "../settings/stage-settings.ts";

/** The group of all schedules of the stage, including the monitor's. Their roles trust only this group. */
export const scheduleGroup = new aws.scheduler.ScheduleGroup("Schedules", { name: physicalNameOf("bus") });

const undelivered = stageQueues["undelivered-queue"].arn;

const role = serviceRole("SchedulesRole", {
  name: resourceName("schedules"),
  service: "scheduler.amazonaws.com",
  sourceArn: scheduleGroup.arn,
  statements: [
    {
      actions: ["events:PutEvents"],
      resources: [bus.arn],
      conditions: putConditions(["TaskRequested"]),
    },
    { actions: ["sqs:SendMessage"], resources: [undelivered] },
    ...useOwnKey("sqs"),
  ],
});

for (const entry of settings.schedules.flatMap(scheduleEntries)) {
  new aws.scheduler.Schedule(`Schedule-${entry.name}`, {
    name: entry.name,
    groupName: scheduleGroup.name,
    // A developer's stage lists the same tables as a shared stage, which already backs them up.
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
