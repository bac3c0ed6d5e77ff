/**
 * Connects the projector to the resources that its handler is linked to. It is in a file of its own, because the projector
 * uses neither S3 nor SQS.
 */
import { eventBus } from "../bus.ts";
import { eventBridgeClient, retryingDynamodbClient } from "../clients.ts";
import { busName, tableName } from "../links.ts";
import { rowSearch } from "../status/row-search.ts";
import { statusStore } from "../status/status-store.ts";
import { lastErrors } from "../worker-table/last-errors.ts";
import { sliceClaims } from "../worker-table/slice-claims.ts";
import { taskRegistry } from "../worker-table/task-registry.ts";
import { workerTableItems } from "../worker-table/worker-table.ts";
import type { Projector } from "./projector.ts";
import { loggerOf, metricsOf } from "./telemetry.ts";

/** The projector. Reads the links `Bus`, `BackupTable`, `RestoreTable`, `SegmentTable` and `WorkerTable`. */
export function wireProjector(): Projector {
  const updateItem = workerTableItems(retryingDynamodbClient(), tableName("WorkerTable"));
  const rows = { backup: tableName("BackupTable"), restore: tableName("RestoreTable") };
  return {
    store: statusStore(retryingDynamodbClient(), { ...rows, segment: tableName("SegmentTable") }),
    search: rowSearch(retryingDynamodbClient(), rows),
    lastErrors: lastErrors(updateItem),
    registry: taskRegistry(updateItem),
    claims: sliceClaims(updateItem),
    bus: eventBus(eventBridgeClient(), busName()),
    logger: loggerOf("projection"),
    publish: metricsOf("projection"),
  };
}
