/** Turns a stage's schedules into the requests that EventBridge Scheduler puts, one for each table. */
import { createHash } from "node:crypto";
import { identify, rowKeyOf } from "@ferry/core/request/task";
import { longestGapMinutes } from "./longest-gap.ts";
import type { Schedule, Table } from "./schema.ts";

/**
 * EventBridge Scheduler replaces this with the time at which the schedule was due, such as 2026-11-23T02:00:00Z: the same in
 * every attempt.
 */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";
const NAME_LENGTH_MAX = 64;

/** A name within AWS's limit that is unique for each table: a digest of the table replaces the end of a long name. */
function entryName(schedule: string, table: string): string {
  const name = `${schedule}-${table.replace(/[^A-Za-z0-9_.-]/g, "-")}`;
  const digest = createHash("sha256").update(table).digest("hex").slice(0, 8);
  return `${name.slice(0, NAME_LENGTH_MAX - digest.length - 1)}-${digest}`;
}

const regionOf = (table: Table) => (typeof table === "string" ? table.split(":")[3]! : table.region);
const nameOrArn = (table: Table) => (typeof table === "string" ? table : table.name);

/**
 * The entries of one schedule. A request is identified by the time at which it was due, so if a night's request is delivered
 * twice, both deliveries are the same task with the same archive.
 */
export function scheduleEntries(schedule: Schedule) {
  return schedule.tables.map((table) => {
    const name = entryName(schedule.name, `${regionOf(table)}-${nameOrArn(table)}`);
    const request = {
      action: "backup",
      "table-region": regionOf(table),
      "table-name": nameOrArn(table),
      ...schedule.request,
    };
    const { expression, timezone, windowMinutes } = schedule;
    return {
      name,
      expression,
      timezone,
      windowMinutes,
      detail: { request, "request-id": `${name}.${SCHEDULED_TIME}`, "request-time": SCHEDULED_TIME },
    };
  });
}

/**
 * For the monitor: the keys of the rows of the schedule's backups, and how old the request of the latest successful one may
 * become: until the next run after the longest gap has had its time.
 */
export function scheduledBackups(schedule: Schedule) {
  const { name, expression, windowMinutes, overdueAfterMinutes } = schedule;
  const keys = scheduleEntries(schedule).map(
    ({ detail }) => rowKeyOf(identify(detail, { id: name, time: "2026-01-01T00:00:00Z" }), 0)!,
  );
  const minutes = longestGapMinutes(expression)! + windowMinutes + overdueAfterMinutes;
  return { name, keys, overdueAfterMs: minutes * 60_000 };
}
