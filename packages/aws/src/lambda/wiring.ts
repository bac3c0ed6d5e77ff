/**
 * Connects a worker to the resources that its handler is linked to.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Action } from "@ferry/core/request/task";
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
import { tableData } from "../dynamodb/table.ts";
import { tableAdmin } from "../dynamodb/table-admin.ts";
import { busName, queueUrl, tableName, workerSettings } from "../links.ts";
import { visibilityOf } from "../queue.ts";
import { rowSearch } from "../status/row-search.ts";
import { statusReader } from "../status/status-store.ts";
import { lastErrors } from "../worker-table/last-errors.ts";
import { rateLimiter } from "../worker-table/rate-limiter.ts";
import { sliceClaims } from "../worker-table/slice-claims.ts";
import { tableLeases } from "../worker-table/table-leases.ts";
import { taskRegistry } from "../worker-table/task-registry.ts";
import { workerTableItems } from "../worker-table/worker-table.ts";
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
