/**
 * Connects a worker to the resources that its handler is linked to.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Action } from "@ferry/core/request/task";
import { sqsClient } from "../clients.ts";
import { busName, queueUrl, tableName, workerSettings } from "../links.ts";
import { visibilityOf } from "../queue.ts";
import { loggerOf, metricsOf } from "./telemetry.ts";
import type { Worker } from "./worker.ts";
import { workerPorts } from "./worker-ports.ts";

const LINKS = {
  backup: { table: "BackupTable", queue: "BackupQueue" },
  restore: { table: "RestoreTable", queue: "RestoreQueue" },
} as const;

/** The worker of an action. Reads the links `Bus`, `Settings`, `WorkerTable`, and the action's table and queue. */
export function wireWorker(action: Action): Worker {
  const links = LINKS[action];
  return {
    ports: workerPorts({
      workerTable: tableName("WorkerTable"),
      statusTables: { [action]: tableName(links.table) },
      bus: busName(),
    }),
    clock: {
      now: Date.now,
      sleep: (ms) => sleep(ms),
    },
    settings: workerSettings(),
    setVisibility: visibilityOf(sqsClient(), queueUrl(links.queue)),
    logger: loggerOf(action),
    publish: metricsOf(action),
  };
}
