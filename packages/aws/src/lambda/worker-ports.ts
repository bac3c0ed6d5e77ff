/**
 * A worker's ports on the SDK's clients. The bench measures with them, too.
 */
import type { Ports } from "@ferry/core/ports";
import { archiveStore } from "../archive-store.ts";
import { eventBus } from "../bus.ts";
import {
  dynamodbClient,
  eventBridgeClient,
  retryingDynamodbClient,
  s3Client,
  s3ReadingClient,
} from "../clients.ts";
import { zlibCodec } from "../codec.ts";
import { tableData } from "../dynamodb/table.ts";
import { tableAdmin } from "../dynamodb/table-admin.ts";
import { rowSearch } from "../status/row-search.ts";
import { statusReader } from "../status/status-store.ts";
import { lastErrors } from "../worker-table/last-errors.ts";
import { rateLimiter } from "../worker-table/rate-limiter.ts";
import { sliceClaims } from "../worker-table/slice-claims.ts";
import { tableLeases } from "../worker-table/table-leases.ts";
import { taskRegistry } from "../worker-table/task-registry.ts";
import { workerTableItems } from "../worker-table/worker-table.ts";

/** The ports, given the names of the worker table, of the status tables that the worker reads, and of the bus. */
export function workerPorts(names: {
  readonly workerTable: string;
  readonly statusTables: Parameters<typeof statusReader>[1];
  readonly bus: string;
}): Omit<Ports, "time" | "settings"> {
  const updateItem = workerTableItems(retryingDynamodbClient(), names.workerTable);
  return {
    tables: tableData(dynamodbClient, retryingDynamodbClient),
    admin: tableAdmin(retryingDynamodbClient),
    archive: archiveStore(s3Client, { reading: s3ReadingClient }),
    codec: zlibCodec,
    status: statusReader(retryingDynamodbClient(), names.statusTables),
    bus: eventBus(eventBridgeClient(), names.bus),
    limiter: rateLimiter(updateItem),
    claims: sliceClaims(updateItem),
    leases: tableLeases(updateItem),
    registry: taskRegistry(updateItem),
    search: rowSearch(retryingDynamodbClient(), names.statusTables),
    lastErrors: lastErrors(updateItem),
    random: Math.random,
  };
}
