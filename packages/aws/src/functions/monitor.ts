/**
 * The Lambda function that a schedule invokes. It publishes the numbers of open tasks, stalled tasks and stopped Pipes as
 * metrics for the alarms, and for each schedule the number of tables whose backup is overdue, and logs what it found. It announces tasks again that wait for a lost
 * announcement, and changes nothing else.
 */
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PipesClient } from "@aws-sdk/client-pipes";
import { monitorLink, tableName } from "../links.ts";
import { announceLost } from "../monitor/announce-lost.ts";
import { openTasks } from "../monitor/open-tasks.ts";
import { overdueKeys } from "../monitor/overdue.ts";
import { stoppedPipes } from "../monitor/pipes.ts";
import { stalledTasks } from "../monitor/stalled.ts";
import { statusStore } from "../status/status-store.ts";

const db = new DynamoDBClient({});
const pipesClient = new PipesClient({});
// Namespace and service come from the function's environment.
const metrics = new Metrics();

export async function handler(): Promise<void> {
  const { pipes, stalledAfterMs, schedules } = monitorLink();
  const rows = { backup: tableName("BackupTable"), restore: tableName("RestoreTable") };
  const records = tableName("SegmentTable");
  const [open, stopped] = await Promise.all([
    openTasks(db, { rows, records }),
    stoppedPipes(pipesClient, pipes),
  ]);
  const nowMs = Date.now();
  const stalled = stalledTasks(open, nowMs, stalledAfterMs);
  for (const task of stalled)
    console.warn({
      message: "task is stalled",
      task: task.id,
      stalledMinutes: Math.round(task.stalledMs / 60_000),
    });
  for (const pipe of stopped) console.warn({ message: "pipe is not running", ...pipe });
  const announced = await announceLost(open, statusStore(db, { ...rows, segment: records }), nowMs);
  for (const task of announced.again) console.warn({ message: "task was announced again", task });
  for (const { id, error } of announced.failed)
    console.error({ message: "task could not be announced again", task: id, error: String(error) });
  metrics.addMetric("StalledTasks", MetricUnit.Count, stalled.length);
  // A metric costs money in each hour in which it has data. Only the one above must have data all the time.
  const counts = {
    AnnouncedAgain: announced.again.length,
    OpenTasks: open.length,
    PipesNotRunning: stopped.length,
  };
  for (const [name, count] of Object.entries(counts))
    if (count > 0) metrics.addMetric(name, MetricUnit.Count, count);
  metrics.publishStoredMetrics();
  for (const schedule of schedules) {
    const overdue = await overdueKeys(db, rows.backup, schedule, nowMs);
    for (const key of overdue) console.warn({ message: "backup is overdue", schedule: schedule.name, key });
    metrics
      .singleMetric()
      .addDimension("schedule", schedule.name)
      .addMetric("OverdueBackups", MetricUnit.Count, overdue.length);
  }
}
