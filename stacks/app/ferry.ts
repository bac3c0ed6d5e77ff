/** All of Ferry's resources, and what a deploy prints about them. */
import "../functions/workers.ts";
import "../monitoring/dashboard.ts";
import "../permissions/queue-policies.ts";
import "../schedules/schedules.ts";
import { bus } from "../bus/bus.ts";
import { mail, topic } from "../monitoring/topic.ts";
import { resourceName } from "../naming/names.ts";
import { callerPolicy } from "../permissions/caller-policy.ts";
import { stageQueues } from "../queues/queues.ts";
import { settings } from "../settings/stage-settings.ts";

export const outputs = {
  bus: bus.name,
  requestQueue: stageQueues["request-queue"].url,
  callersPolicy: callerPolicy.arn,
  backupRole: resourceName("backup"),
  restoreRole: resourceName("restore"),
  dashboard: settings.profile === "full" ? resourceName("dashboard") : "none",
  alarms: topic.arn,
  alarmMail: mail,
};
