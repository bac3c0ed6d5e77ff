/**
 * Connects the projector to the resources that its handler is linked to. It is in a file of its own, because the projector
 * uses neither S3 nor SQS.
 */
import { eventBus } from "../bus.ts";
import { eventBridgeClient, retryingDynamodbClient } from "../clients.ts";
import { lastErrors } from "../last-errors.ts";
import { busName, tableName } from "../links.ts";
import { rowSearch } from "../row-search.ts";
import { sliceClaims } from "../slice-claims.ts";
import { statusStore } from "../status-store.ts";
import { taskRegistry } from "../task-registry.ts";
import { workerTableItems } from "../worker-table.ts";
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
