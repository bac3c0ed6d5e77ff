/** The whole of Ferry, and what an operator wants to know of it after a deploy. */
import "./queue-policies.ts";
import "./schedules.ts";
import "./workers.ts";
import { bus } from "./bus.ts";
import { callers } from "./callers.ts";
import { named } from "./here.ts";
import { topic } from "./monitoring/topic.ts";
import "./monitoring/alarms.ts";
import "./monitoring/dashboard.ts";
import { queues } from "./queues.ts";

export const outputs = {
  bus: bus.name,
  requestQueue: queues["request-queue"].url,
  callersPolicy: callers.arn,
  backupRole: named("backup"),
  restoreRole: named("restore"),
  dashboard: named("dashboard"),
  alarms: topic.arn,
};
