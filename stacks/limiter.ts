/**
 * How far each task's ceiling is booked: the workers' own notes. Not protected and not restorable: they are worth nothing
 * once their task has ended, and DynamoDB deletes them then.
 */
import { limiterTable } from "@ferry/core/topology";
import { logical, physical } from "./here.ts";

const { name, hash, expires } = limiterTable;

export const limiter = new sst.aws.Dynamo(logical(name.replace(/-table$/, "")), {
  fields: { [hash.name]: "string" },
  primaryIndex: { hashKey: hash.name },
  ttl: expires,
  transform: { table: { name: physical(name), pointInTimeRecovery: { enabled: false } } },
});
