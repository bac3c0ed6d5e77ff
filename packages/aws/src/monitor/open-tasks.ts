/** The tasks that have not ended, from the status tables' index by state. */
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { isEnded, type TaskState } from "@ferry/core/projection/status";
import { rowName } from "@ferry/core/task";
import type { OpenTask } from "./stalled.ts";

const STATES: readonly TaskState[] = [
  "requested",
  "rejected",
  "running",
  "cancelling",
  "finishing",
  "succeeded",
  "failed",
  "cancelled",
];
const OPEN = STATES.filter((state) => !isEnded(state));
/** The attribute of rows that names the task's records; absent from a row that only a cancel made. */
const TASK_ID = "task-id";
/** The attribute of rows and records that tells the latest fact's time. */
const UPDATED = "updated-time";

type Item = Record<string, AttributeValue>;

export interface Where {
  /** The status tables. */
  readonly tables: readonly string[];
  /** Their index by state. */
  readonly index: string;
  /** The table of segments' records. */
  readonly records: string;
}

/** Every open task, and the times at which it was heard of. Reads as many items as tasks are open, and their records. */
export async function openTasks(db: DynamoDBClient, where: Where): Promise<OpenTask[]> {
  const open: OpenTask[] = [];
  for (const table of where.tables)
    for (const state of OPEN)
      for (const { key, timestamp } of await rowKeys(db, table, where.index, state)) {
        const row = await db.send(
          new GetItemCommand({
            TableName: table,
            Key: { key: { S: key }, timestamp: { N: String(timestamp) } },
            ProjectionExpression: "#updated, #id",
            ExpressionAttributeNames: { "#updated": UPDATED, "#id": TASK_ID },
          }),
        );
        const id = row.Item?.[TASK_ID]?.S ?? rowName({ key, timestamp });
        open.push({ id, heard: timesOf([row.Item ?? {}, ...(await records(db, where.records, id))]) });
      }
  return open;
}

async function rowKeys(db: DynamoDBClient, table: string, index: string, state: TaskState) {
  const items = await all(db, {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: "#state = :state",
    ExpressionAttributeNames: { "#state": "state" },
    ExpressionAttributeValues: { ":state": { S: state } },
  });
  return items.map((item) => ({ key: item["key"]?.S ?? "", timestamp: Number(item["timestamp"]?.N) }));
}

const records = (db: DynamoDBClient, table: string, task: string) =>
  all(db, {
    TableName: table,
    KeyConditionExpression: "#task = :task",
    ProjectionExpression: "#updated",
    ExpressionAttributeNames: { "#task": "task", "#updated": UPDATED },
    ExpressionAttributeValues: { ":task": { S: task } },
  });

async function all(db: DynamoDBClient, query: QueryCommand["input"]): Promise<Item[]> {
  const items: Item[] = [];
  let after: Item | undefined;
  do {
    const page = await db.send(new QueryCommand({ ...query, ...(after && { ExclusiveStartKey: after }) }));
    items.push(...(page.Items ?? []));
    after = page.LastEvaluatedKey;
  } while (after !== undefined);
  return items;
}

/** A row without a time was never heard of: as old as can be. */
function timesOf(items: readonly Item[]): string[] {
  const times = items.flatMap((item) => item[UPDATED]?.S ?? []);
  return times.length > 0 ? times : ["1970-01-01T00:00:00Z"];
}
