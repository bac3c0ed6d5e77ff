/** Finds the tables of schedules whose latest backup is too old. */
import { type DynamoDBClient, paginateQuery } from "@aws-sdk/client-dynamodb";
import type { TaskState } from "@ferry/core/projection/status";
import { attributes, tables } from "@ferry/core/topology";

/** The backups that a schedule requests. */
interface ScheduledBackups {
  /** The schedule's name. */
  readonly name: string;
  /** The key of each table's rows. */
  readonly keys: readonly string[];
  /** The age at which the latest request of a successful backup is overdue, ms. */
  readonly overdueAfterMs: number;
}

const { hash, range } = tables["backup-table"];
const SUCCEEDED: TaskState = "succeeded";

/**
 * The keys of the schedule's tables without a successful backup that was requested within `overdueAfterMs`. It reads only the
 * rows of that time, so a table that was never backed up is overdue too. It does not depend on the schedule's own state.
 */
export async function overdueKeys(
  db: DynamoDBClient,
  table: string,
  schedule: ScheduledBackups,
  nowMs: number,
): Promise<string[]> {
  const since = nowMs - schedule.overdueAfterMs;
  const overdue: string[] = [];
  for (const key of schedule.keys) if (!(await hasBackup(db, table, key, since))) overdue.push(key);
  return overdue;
}

/** Whether a backup that was requested at `sinceMs` or later has succeeded. The latest requests are read first. */
async function hasBackup(client: DynamoDBClient, table: string, key: string, sinceMs: number) {
  const pages = paginateQuery(
    { client },
    {
      TableName: table,
      ScanIndexForward: false,
      KeyConditionExpression: "#key = :key AND #timestamp >= :since",
      FilterExpression: "#state = :succeeded",
      ProjectionExpression: "#timestamp",
      ExpressionAttributeNames: {
        "#key": hash.name,
        "#timestamp": range.name,
        "#state": attributes.state,
      },
      ExpressionAttributeValues: {
        ":key": { S: key },
        ":since": { N: String(sinceMs) },
        ":succeeded": { S: SUCCEEDED },
      },
    },
  );
  for await (const { Items = [] } of pages) if (Items.length > 0) return true;
  return false;
}
