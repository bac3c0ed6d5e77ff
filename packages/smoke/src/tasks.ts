/** Requests tasks, and reads and deletes their rows. */
import { type AttributeValue, DeleteItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { isEnded, type TaskState } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/task";
import { physicalName } from "@ferry/core/topology";
import { type DeployedStage, waitFor } from "./stage.ts";

export interface Row {
  readonly id: string;
  readonly key: string;
  readonly timestamp: string;
  readonly state: TaskState;
  readonly reason: string;
  readonly items: number;
}

const tableOf = (stage: DeployedStage, action: Action) => physicalName(stage.name, `${action}-table`);

/** Puts a request on the bus. */
export async function putRequest(stage: DeployedStage, fields: object, requestId: string): Promise<void> {
  const { FailedEntryCount, Entries } = await stage.events.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: physicalName(stage.name, "bus"),
          Source: "ferry.smoke",
          DetailType: "TaskRequested",
          Detail: JSON.stringify({ request: fields, "request-id": requestId }),
        },
      ],
    }),
  );
  if (FailedEntryCount !== 0) throw new Error(`the bus refused the request: ${Entries?.[0]?.ErrorMessage}`);
}

/** Returns the task's row when it is in `state`. Throws an Error with the reason if the task ends in another state. */
export async function waitForState(
  stage: DeployedStage,
  task: { action: Action; key: string; requestId: string },
  state: TaskState,
  seconds: number,
): Promise<Row> {
  return waitFor(`${task.action} ${state}`, seconds, async () => {
    const row = await rowOf(stage, task);
    if (row === undefined || (row.state !== state && !isEnded(row.state))) return undefined;
    if (row.state !== state) throw new Error(`the ${task.action} is ${row.state}: ${row.reason}`);
    return row;
  });
}

async function rowOf(stage: DeployedStage, task: { action: Action; key: string; requestId: string }) {
  const rows = await query(stage, tableOf(stage, task.action), "key", task.key);
  const item = rows.find((row) => row["request-id"]?.S === task.requestId);
  return (
    item && {
      id: item["task-id"]?.S ?? "",
      key: task.key,
      timestamp: item["timestamp"]?.N ?? "",
      state: item["state"]?.S as TaskState,
      reason: item["reason"]?.S ?? "",
      items: Number(item["transferred-items"]?.N ?? 0),
    }
  );
}

/** Deletes a task's row and its segment records. */
export async function deleteRows(
  stage: DeployedStage,
  task: { action: Action; key: string; requestId: string },
): Promise<void> {
  const row = await rowOf(stage, task);
  if (row === undefined) return;
  const records = physicalName(stage.name, "segment-table");
  for (const record of await query(stage, records, "task", row.id))
    await remove(stage, records, { task: record["task"]!, segment: record["segment"]! });
  await remove(stage, tableOf(stage, task.action), { key: { S: row.key }, timestamp: { N: row.timestamp } });
}

async function query(stage: DeployedStage, TableName: string, hash: string, value: string) {
  const { Items = [] } = await stage.db.send(
    new QueryCommand({
      TableName,
      ConsistentRead: true,
      ScanIndexForward: false,
      KeyConditionExpression: "#hash = :hash",
      ExpressionAttributeNames: { "#hash": hash },
      ExpressionAttributeValues: { ":hash": { S: value } },
    }),
  );
  return Items;
}

async function remove(
  stage: DeployedStage,
  TableName: string,
  Key: Record<string, AttributeValue>,
): Promise<void> {
  await stage.db.send(new DeleteItemCommand({ TableName, Key }));
}
