/**
 * The worker table: which request a request-id names and which row it has, which attempt a retry began, how much of a task's
 * ceiling is reserved, which message holds the claim on a segment's slice, and which restores may write to a table. It is not
 * protected and has no point-in-time recovery: a task's items are useless once no message of it can come again, and expire then;
 * a table's item does not expire, and without it nothing but the order of exports is forgotten.
 */
import { workerTable as spec } from "@ferry/core/topology";
import { logical, physical } from "../naming/names.ts";

export const workerTable = new sst.aws.Dynamo(logical(spec.name.replace(/-table$/, "")), {
  fields: { [spec.hash.name]: "string" },
  primaryIndex: { hashKey: spec.hash.name },
  ttl: spec.expires,
  transform: { table: { name: physical(spec.name), pointInTimeRecovery: { enabled: false } } },
});
