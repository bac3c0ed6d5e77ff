/** All of Ferry's schedules, so that their roles can be bound to them. */
import { physical } from "./here.ts";

export const scheduleGroup = new aws.scheduler.ScheduleGroup("Schedules", { name: physical("bus") });
