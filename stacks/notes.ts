/**
 * The workers' own notes: how far a task's ceiling is booked, and which message has a segment's slice. Not protected and
 * not restorable: they are worth nothing once their task has ended, and DynamoDB deletes them then.
 */
import { workerTable } from "@ferry/core/topology";
import { logical, physical } from "./here.ts";

const { name, hash, expires } = workerTable;

export const notes = new sst.aws.Dynamo(logical(name.replace(/-table$/, "")), {
  fields: { [hash.name]: "string" },
  primaryIndex: { hashKey: hash.name },
  ttl: expires,
  transform: { table: { name: physical(name), pointInTimeRecovery: { enabled: false } } },
});
