/**
 * The Lambda function that a schedule invokes. It publishes the numbers of open tasks, stalled tasks and stopped Pipes as
 * metrics for the alarms, and logs the stalled tasks and stopped Pipes. It changes nothing.
 */
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PipesClient } from "@aws-sdk/client-pipes";
import { Resource } from "sst";
import { openTasks } from "../monitor/open-tasks.ts";
import { stoppedPipes } from "../monitor/pipes.ts";
import { stalledTasks } from "../monitor/stalled.ts";

interface Links {
  readonly BackupTable: { readonly name: string };
  readonly RestoreTable: { readonly name: string };
  readonly SegmentTable: { readonly name: string };
  readonly Monitor: {
    readonly pipes: readonly string[];
    readonly stalledAfterMs: number;
  };
}

const links = Resource as unknown as Links;
const db = new DynamoDBClient({});
const pipesClient = new PipesClient({});
// Namespace and service come from the function's environment.
const metrics = new Metrics();

export async function handler(): Promise<void> {
  const { pipes, stalledAfterMs } = links.Monitor;
  const rows = [links.BackupTable.name, links.RestoreTable.name];
  const [open, stopped] = await Promise.all([
    openTasks(db, { rows, records: links.SegmentTable.name }),
    stoppedPipes(pipesClient, pipes),
  ]);
  const stalled = stalledTasks(open, Date.now(), stalledAfterMs);
  for (const task of stalled)
    console.warn({
      message: "task is stalled",
      task: task.id,
      stalledMinutes: Math.round(task.stalledMs / 60_000),
    });
  for (const pipe of stopped) console.warn({ message: "pipe is not running", ...pipe });
  metrics.addMetric("OpenTasks", MetricUnit.Count, open.length);
  metrics.addMetric("StalledTasks", MetricUnit.Count, stalled.length);
  metrics.addMetric("PipesNotRunning", MetricUnit.Count, stopped.length);
  metrics.publishStoredMetrics();
}
