/** From a stage's schedules to the requests that are put, one for each table. */
import { createHash } from "node:crypto";
import type { Schedule, Table } from "./settings/schema.ts";

/** EventBridge Scheduler writes the time the schedule was due here: 2026-11-23T02:00:00Z, the same in every attempt. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";
const NAME_LENGTH_MAX = 64;

/** Short, and its own for each table: the name's end is cut, and a digest tells the rest. */
function entryName(schedule: string, table: string): string {
  const name = `${schedule}-${table.replace(/[^A-Za-z0-9_.-]/g, "-")}`;
  const digest = createHash("sha256").update(table).digest("hex").slice(0, 8);
  return `${name.slice(0, NAME_LENGTH_MAX - digest.length - 1)}-${digest}`;
}

const regionOf = (table: Table) => (typeof table === "string" ? table.split(":")[3]! : table.region);
const nameOf = (table: Table) => (typeof table === "string" ? table : table.name);

/**
 * The entries of one schedule. Identity comes from when it was due, not from the attempt: two deliveries of one
 * night's request are one task, with one archive.
 */
export function entriesOf(schedule: Schedule) {
  return schedule.tables.map((table) => {
    const name = entryName(schedule.name, `${regionOf(table)}-${nameOf(table)}`);
    const request = {
      action: "backup",
      "table-region": regionOf(table),
      "table-name": nameOf(table),
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
