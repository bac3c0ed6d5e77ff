/**
 * The Lambda function that consumes `projection-queue`. It reads the links `Bus`, `BackupTable`, `RestoreTable`, `SegmentTable` and
 * `WorkerTable`.
 */
import { eventBus } from "../bus.ts";
import { eventBridgeClient, retryingDynamodbClient } from "../clients.ts";
import { projectorHandler } from "../lambda/projector.ts";
import { loggerOf, metricsOf } from "../lambda/telemetry.ts";
import { busName, tableName } from "../links.ts";
import { sliceClaims } from "../slice-claims.ts";
import { statusStore } from "../status-store.ts";
import { taskRegistry } from "../task-registry.ts";
import { workerTableItems } from "../worker-table.ts";

export const handler = projectorHandler(() => {
  const updateItem = workerTableItems(retryingDynamodbClient(), tableName("WorkerTable"));
  return {
    store: statusStore(retryingDynamodbClient(), {
      backup: tableName("BackupTable"),
      restore: tableName("RestoreTable"),
      segment: tableName("SegmentTable"),
    }),
    registry: taskRegistry(updateItem),
    claims: sliceClaims(updateItem),
    bus: eventBus(eventBridgeClient(), busName()),
    logger: loggerOf("projection"),
    publish: metricsOf("projection"),
  };
});
