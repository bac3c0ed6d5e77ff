/**
 * The Lambda function that a schedule invokes: counts open tasks, silent ones and stopped Pipes, as metrics for the alarms, and logs which.
 * It changes nothing.
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
    readonly index: string;
    readonly stalledAfterMs: number;
  };
}

const links = Resource as unknown as Links;
const db = new DynamoDBClient({});
const pipes = new PipesClient({});
// Namespace and service come from the function's environment.
const metrics = new Metrics();

export async function handler(): Promise<void> {
  const { index, stalledAfterMs } = links.Monitor;
  const tables = [links.BackupTable.name, links.RestoreTable.name];
  const [open, stopped] = await Promise.all([
    openTasks(db, { tables, index, records: links.SegmentTable.name }),
    stoppedPipes(pipes, links.Monitor.pipes),
  ]);
  const silent = stalledTasks(open, Date.now(), stalledAfterMs);
  for (const task of silent)
    console.warn({
      message: "task is silent",
      task: task.id,
      silentMinutes: Math.round(task.silentMs / 60_000),
    });
  for (const pipe of stopped) console.warn({ message: "pipe does not run", ...pipe });
  metrics.addMetric("OpenTasks", MetricUnit.Count, open.length);
  metrics.addMetric("StalledTasks", MetricUnit.Count, silent.length);
  metrics.addMetric("PipesNotRunning", MetricUnit.Count, stopped.length);
  metrics.publishStoredMetrics();
}
