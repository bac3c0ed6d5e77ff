/**
 * The worker table: which request a request-id names and which row it has, which attempt a retry began, how much of a task's
 * ceiling is reserved, which message holds the claim on a segment's slice, and which restores may write to a table. It is not
 * protected and has no point-in-time recovery: a task's items are not needed, and expire, when no message of the task can be
 * redelivered. A table's item does not expire; if it is lost, only the order of exports is lost.
 */
import { workerTable as spec } from "@ferry/core/topology";
import { logicalNameOf, physicalNameOf } from "../naming/names.ts";
import { ownTableKey } from "./own-table-key.ts";

export const stageWorkerTable = new sst.aws.Dynamo(
  logicalNameOf(spec.name.replace(/-table$/, "")),
  {
    fields: { [spec.hash.name]: "string" },
    primaryIndex: { hashKey: spec.hash.name },
    ttl: spec.expires,
    transform: {
      table: {
        ...ownTableKey,
        name: physicalNameOf(spec.name),
        pointInTimeRecovery: { enabled: false },
      },
    },
  },
  // SST keeps every table of a protected stage, and a table that was kept makes its re-creation fail.
  { retainOnDelete: false },
);
