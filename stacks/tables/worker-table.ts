/**
 * The worker table: how much of a task's ceiling is reserved, and which message holds the claim on a segment's slice. It is
 * not protected and has no point-in-time recovery: its items are useless once their task has ended, and expire then.
 */
import { workerTable as spec } from "@ferry/core/topology";
import { logical, physical } from "../naming/names.ts";

export const workerTable = new sst.aws.Dynamo(logical(spec.name.replace(/-table$/, "")), {
  fields: { [spec.hash.name]: "string" },
  primaryIndex: { hashKey: spec.hash.name },
  ttl: spec.expires,
  transform: { table: { name: physical(spec.name), pointInTimeRecovery: { enabled: false } } },
});
