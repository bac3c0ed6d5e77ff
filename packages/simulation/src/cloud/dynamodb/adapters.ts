/**
 * The AWS adapters of one invocation on the simulated DynamoDB.
 */

import { tableData } from "@ferry/aws/dynamodb/table";
import { tableAdmin } from "@ferry/aws/dynamodb/table-admin";
import { statusReader, statusStore } from "@ferry/aws/status/status-store";
import { lastErrors } from "@ferry/aws/worker-table/last-errors";
import { rateLimiter } from "@ferry/aws/worker-table/rate-limiter";
import { sliceClaims } from "@ferry/aws/worker-table/slice-claims";
import { tableLeases } from "@ferry/aws/worker-table/table-leases";
import { taskRegistry } from "@ferry/aws/worker-table/task-registry";
import { workerTableItems } from "@ferry/aws/worker-table/worker-table";
import type { Action } from "@ferry/core/request/task";
import { workerTable } from "@ferry/core/topology";
import { type ClientContext, simulatedDynamoDb } from "./client.ts";

/** The region of Ferry's own tables. */
const HOME = "eu-west-1";
/** Attempts of a call on Ferry's own tables. The engine itself retries calls on items. */
const OWN_ATTEMPTS_MAX = 4;
const ITEM_ATTEMPTS_MAX = 1;
const TABLES = { backup: "backup-table", restore: "restore-table", segment: "segment-table" } as const;

/** A worker's adapters. `action`: the action whose rows it may read. */
export function workerAdapters(action: Action, context: ClientContext) {
  const own = simulatedDynamoDb(HOME, OWN_ATTEMPTS_MAX, context);
  const items = workerTableItems(own, workerTable.name);
  const retrying = (region: string) => simulatedDynamoDb(region, OWN_ATTEMPTS_MAX, context);
  return {
    tables: tableData((region) => simulatedDynamoDb(region, ITEM_ATTEMPTS_MAX, context), retrying),
    admin: tableAdmin(retrying),
    status: statusReader(own, { [action]: TABLES[action] }),
    limiter: rateLimiter(items),
    claims: sliceClaims(items),
    leases: tableLeases(items),
    registry: taskRegistry(items, context.invocation.time.now),
    lastErrors: lastErrors(items, context.invocation.time.now),
  };
}

/** The projector's adapters. */
export function projectorAdapters(context: ClientContext) {
  const own = simulatedDynamoDb(HOME, OWN_ATTEMPTS_MAX, context);
  const items = workerTableItems(own, workerTable.name);
  return {
    store: statusStore(own, TABLES),
    claims: sliceClaims(items),
    registry: taskRegistry(items, context.invocation.time.now),
    lastErrors: lastErrors(items, context.invocation.time.now),
  };
}
