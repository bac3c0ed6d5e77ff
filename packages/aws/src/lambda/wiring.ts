/**
 * Connects a worker to the resources that its handler is linked to.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Action } from "@ferry/core/task";
import { archiveStore } from "../archive-store.ts";
import { eventBus } from "../bus.ts";
import {
  dynamodbClient,
  eventBridgeClient,
  retryingDynamodbClient,
  s3Client,
  sqsClient,
} from "../clients.ts";
import { zlibCodec } from "../codec.ts";
import { lastErrors } from "../last-errors.ts";
import { busName, queueUrl, tableName, workerSettings } from "../links.ts";
import { visibilityOf } from "../queue.ts";
import { rateLimiter } from "../rate-limiter.ts";
import { rowSearch } from "../row-search.ts";
import { sliceClaims } from "../slice-claims.ts";
import { statusReader } from "../status-store.ts";
import { tableData } from "../table.ts";
import { tableAdmin } from "../table-admin.ts";
import { tableLeases } from "../table-leases.ts";
import { taskRegistry } from "../task-registry.ts";
import { workerTableItems } from "../worker-table.ts";
import { loggerOf, metricsOf } from "./telemetry.ts";
import type { Worker } from "./worker.ts";

const LINKS = {
  backup: { table: "BackupTable", queue: "BackupQueue" },
  restore: { table: "RestoreTable", queue: "RestoreQueue" },
} as const;

/** The worker of an action. Reads the links `Bus`, `Settings`, `WorkerTable`, and the action's table and queue. */
export function wireWorker(action: Action): Worker {
  const links = LINKS[action];
  const updateItem = workerTableItems(retryingDynamodbClient(), tableName("WorkerTable"));
  return {
    ports: {
      tables: tableData(dynamodbClient, retryingDynamodbClient),
      admin: tableAdmin(retryingDynamodbClient),
      archive: archiveStore(s3Client),
      codec: zlibCodec,
      status: statusReader(retryingDynamodbClient(), { [action]: tableName(links.table) }),
      bus: eventBus(eventBridgeClient(), busName()),
      limiter: rateLimiter(updateItem),
      claims: sliceClaims(updateItem),
      leases: tableLeases(updateItem),
      registry: taskRegistry(updateItem),
      search: rowSearch(retryingDynamodbClient(), { [action]: tableName(links.table) }),
      lastErrors: lastErrors(updateItem),
      random: Math.random,
    },
    clock: {
      now: Date.now,
      sleep: async (ms) => {
        await sleep(ms);
      },
    },
    settings: workerSettings(),
    setVisibility: visibilityOf(sqsClient(), queueUrl(links.queue)),
    logger: loggerOf(action),
    publish: metricsOf(action),
  };
}
