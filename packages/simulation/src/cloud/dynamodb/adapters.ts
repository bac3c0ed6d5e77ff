/**
 * The AWS adapters of one invocation on the simulated DynamoDB.
 */
import { rateLimiter } from "@ferry/aws/rate-limiter";
import { sliceClaims } from "@ferry/aws/slice-claims";
import { statusReader, statusStore } from "@ferry/aws/status-store";
import { tableData } from "@ferry/aws/table";
import { tableLeases } from "@ferry/aws/table-leases";
import { taskRegistry } from "@ferry/aws/task-registry";
import { workerTableItems } from "@ferry/aws/worker-table";
import type { Action } from "@ferry/core/task";
import { workerTable } from "@ferry/core/topology";
import { type Surroundings, simulatedDynamoDb } from "./client.ts";

/** The region of Ferry's own tables. */
const HOME = "eu-west-1";
/** Tries of a call on Ferry's own tables; the engine repeats calls on items itself. */
const OWN_TRIES_MAX = 4;
const ITEM_TRIES_MAX = 1;
const TABLES = { backup: "backup-table", restore: "restore-table", segment: "segment-table" } as const;

/** A worker's adapters. `action`: whose rows it may read. */
export function workerAdapters(action: Action, around: Surroundings) {
  const own = simulatedDynamoDb(HOME, OWN_TRIES_MAX, around);
  const notes = workerTableItems(own, workerTable.name);
  return {
    tables: tableData(
      (region) => simulatedDynamoDb(region, ITEM_TRIES_MAX, around),
      (region) => simulatedDynamoDb(region, OWN_TRIES_MAX, around),
    ),
    status: statusReader(own, { [action]: TABLES[action] }),
    limiter: rateLimiter(notes),
    claims: sliceClaims(notes),
    leases: tableLeases(notes),
    registry: taskRegistry(notes, around.invocation.time.now),
  };
}

/** The projector's adapters. */
export function projectorAdapters(around: Surroundings) {
  const own = simulatedDynamoDb(HOME, OWN_TRIES_MAX, around);
  const notes = workerTableItems(own, workerTable.name);
  return {
    store: statusStore(own, TABLES),
    claims: sliceClaims(notes),
    registry: taskRegistry(notes, around.invocation.time.now),
  };
}
