/** Reads the tasks that have not ended from the status tables' index by state. */
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { isEnded, type TaskState, taskStates } from "@ferry/core/projection/status";
import { type Action, type RowKey, rowName } from "@ferry/core/request/task";
import { attributes, byState, tables } from "@ferry/core/topology";
import type { OpenTask } from "./stalled.ts";

/** A row that only a cancel made is `requested`: no task was accepted in it. */
const OPEN = taskStates.filter((state) => !isEnded(state) && state !== "requested");
/** Both row tables have the same key. */
const { hash, range } = tables["backup-table"];
const { hash: recordHash } = tables["segment-table"];

type Item = Record<string, AttributeValue>;

/** The physical names of the status tables. */
export interface StatusTableNames {
  readonly rows: Readonly<Record<Action, string>>;
  readonly records: string;
}

/** Every open task and its update times. Reads the rows and segment records of the open tasks only. */
export async function openTasks(db: DynamoDBClient, names: StatusTableNames): Promise<OpenTask[]> {
  const open: OpenTask[] = [];
  for (const action of ["backup", "restore"] as const)
    for (const state of OPEN)
      for (const row of await rowKeys(db, action, names.rows[action], state)) {
        const { key, timestamp } = row;
        const { Item: item = {} } = await db.send(
          new GetItemCommand({
            TableName: names.rows[action],
            Key: { [hash.name]: { S: key }, [range.name]: { N: String(timestamp) } },
            ProjectionExpression: "#updated, #id, #mark",
            ExpressionAttributeNames: {
              "#updated": attributes.updatedTime,
              "#id": attributes.taskId,
              "#mark": attributes.reannounce,
            },
          }),
        );
        // Until a fact of the task itself arrives, its row has no task id.
        const id = item[attributes.taskId]?.S ?? rowName(row);
        const items = [item, ...(await records(db, names.records, id))];
        const isMarked = item[attributes.reannounce] !== undefined;
        open.push({
          id,
          row,
          awaitsAnnouncement: isMarked || state === "finishing",
          updatedTimes: updatedTimesOf(items),
        });
      }
  return open;
}

async function rowKeys(
  db: DynamoDBClient,
  action: Action,
  table: string,
  state: TaskState,
): Promise<RowKey[]> {
  const items = await all(db, {
    TableName: table,
    IndexName: byState.name,
    KeyConditionExpression: "#state = :state",
    ExpressionAttributeNames: { "#state": byState.hash.name },
    ExpressionAttributeValues: { ":state": { S: state } },
  });
  return items.map((item) => ({
    action,
    key: item[hash.name]?.S ?? "",
    timestamp: Number(item[range.name]?.N),
  }));
}

const records = (db: DynamoDBClient, table: string, task: string) =>
  all(db, {
    TableName: table,
    KeyConditionExpression: "#task = :task",
    ProjectionExpression: "#updated",
    ExpressionAttributeNames: { "#task": recordHash.name, "#updated": attributes.updatedTime },
    ExpressionAttributeValues: { ":task": { S: task } },
  });

async function all(client: DynamoDBClient, query: QueryCommandInput): Promise<Item[]> {
  const pages = await Array.fromAsync(paginateQuery({ client }, query));
  return pages.flatMap(({ Items = [] }) => Items);
}

/** A row without an update time counts as infinitely old. */
function updatedTimesOf(items: readonly Item[]): string[] {
  const times = items.flatMap((item) => item[attributes.updatedTime]?.S ?? []);
  return times.length > 0 ? times : ["1970-01-01T00:00:00Z"];
}
