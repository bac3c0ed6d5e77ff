/**
 * Reads tasks' rows and segments' records from the status tables.
 */
import {
  type AttributeValue,
  GetItemCommand,
  paginateQuery,
  paginateScan,
  QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { translateErrors } from "@ferry/aws/errors";
import { isEnded, type TaskState } from "@ferry/core/projection/status";
import type { Action, RowKey } from "@ferry/core/task";
import { attributes } from "@ferry/core/topology";
import { ClientError, explained } from "./client-error.ts";
import type { Stage } from "./stage.ts";
import { type SegmentStatus, segmentOfItem, statusOfItem, type TaskStatus } from "./task-status.ts";

type Item = Record<string, AttributeValue>;
const ACTIONS: readonly Action[] = ["backup", "restore"];
/** `{key}@{timestamp}-{digest}`. The digest may be left out. */
const TASK_ID = /^(.+)@(\d{13})(?:-([0-9a-f]{16}))?$/;

/** Reads a row. Undefined if there is none. */
export async function readRow(
  stage: Stage,
  { action, key, timestamp }: RowKey,
): Promise<TaskStatus | undefined> {
  const TableName = stage.table(`${action}-table`);
  const Key = { key: { S: key }, timestamp: { N: String(timestamp) } };
  const { Item } = await onStatusTable(stage, TableName, "GetItem", () =>
    stage.access.dynamodb(stage.region).send(new GetItemCommand({ TableName, Key, ConsistentRead: true })),
  );
  return Item && statusOfItem(Item);
}

/** The row of a request that was sent not before `sinceMs`. Undefined until Ferry answered it. */
export async function findRowOfRequest(
  stage: Stage,
  request: {
    readonly action: Action;
    readonly key: string;
    readonly requestId: string;
    readonly sinceMs: number;
  },
): Promise<TaskStatus | undefined> {
  const TableName = stage.table(`${request.action}-table`);
  const { Items = [] } = await onStatusTable(stage, TableName, "Query", () =>
    stage.access.dynamodb(stage.region).send(
      new QueryCommand({
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: "#key = :key AND #timestamp >= :since",
        ExpressionAttributeNames: { "#key": "key", "#timestamp": "timestamp" },
        ExpressionAttributeValues: { ":key": { S: request.key }, ":since": { N: String(request.sinceMs) } },
      }),
    ),
  );
  return Items.map(statusOfItem).find(({ requestId }) => requestId === request.requestId);
}

/**
 * The task with this id: a task id, with or without its digest, or a request-id. ClientErrors `no-such-task`,
 * `ambiguous-id` if a backup and a restore have it.
 */
export async function findTask(stage: Stage, id: string): Promise<TaskStatus> {
  const [, key, timestamp, digest] = TASK_ID.exec(id) ?? [];
  const found =
    key === undefined
      ? await findByRequestId(stage, id)
      : (
          await Promise.all(
            ACTIONS.map((action) => readRow(stage, { action, key, timestamp: Number(timestamp) })),
          )
        ).filter((task) => task !== undefined && (digest === undefined || task.id === id));
  if (found.length > 1)
    throw new ClientError("usage", "ambiguous-id", {
      message: `${found.length} tasks have the id ${id}.`,
      hint: `Give the whole task id: ${found.map((task) => task?.id).join(" or ")}.`,
    });
  const [task] = found;
  if (task === undefined)
    throw new ClientError("not-found", "no-such-task", {
      message: `Stage ${stage.name} has no task ${id}.`,
      hint: "`ferry tasks` lists the tasks with their ids.",
    });
  return task;
}

/** Rows with a request-id. It reads both tables: no index has request-ids. */
async function findByRequestId(stage: Stage, requestId: string): Promise<TaskStatus[]> {
  const found = await Promise.all(
    ACTIONS.map((action) =>
      scanRows(stage, action, {
        FilterExpression: "#requestId = :requestId",
        ExpressionAttributeNames: { "#requestId": "request-id" },
        ExpressionAttributeValues: { ":requestId": { S: requestId } },
      }),
    ),
  );
  return found.flat();
}

export interface TaskFilter {
  readonly action?: Action;
  readonly states?: readonly TaskState[];
  /** A table's name. */
  readonly table?: string;
  /** ms since 1970: only tasks requested at this time or later. */
  readonly sinceMs?: number;
  /** The most tasks to return. */
  readonly limit?: number;
}

/** Tasks, newest first. It reads the whole status tables. */
export async function listTasks(stage: Stage, filter: TaskFilter = {}): Promise<TaskStatus[]> {
  const conditions: string[] = [];
  const names: Record<string, string> = {};
  const values: Item = {};
  if (filter.states !== undefined) {
    names["#state"] = attributes.state;
    conditions.push(`#state IN (${filter.states.map((state) => `:${state}`).join(", ")})`);
    for (const state of filter.states) values[`:${state}`] = { S: state };
  }
  if (filter.table !== undefined) {
    names["#table"] = "table-name";
    values[":table"] = { S: filter.table };
    conditions.push("#table = :table");
  }
  if (filter.sinceMs !== undefined) {
    names["#timestamp"] = "timestamp";
    values[":since"] = { N: String(filter.sinceMs) };
    conditions.push("#timestamp >= :since");
  }
  const expression =
    conditions.length === 0
      ? {}
      : {
          FilterExpression: conditions.join(" AND "),
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: values,
        };
  const actions = filter.action === undefined ? ACTIONS : [filter.action];
  const rows = await Promise.all(actions.map((action) => scanRows(stage, action, expression)));
  return rows
    .flat()
    .sort((a, b) => b.timestamp! - a.timestamp!)
    .slice(0, filter.limit);
}

async function scanRows(stage: Stage, action: Action, expression: object): Promise<TaskStatus[]> {
  const TableName = stage.table(`${action}-table`);
  const client = stage.access.dynamodb(stage.region);
  return onStatusTable(stage, TableName, "Scan", async () => {
    const rows: TaskStatus[] = [];
    for await (const { Items = [] } of paginateScan({ client }, { TableName, ...expression }))
      rows.push(...Items.map(statusOfItem));
    return rows;
  });
}

/** The records of a task's segments, by number. */
export async function readSegments(stage: Stage, taskId: string): Promise<SegmentStatus[]> {
  const TableName = stage.table("segment-table");
  const client = stage.access.dynamodb(stage.region);
  return onStatusTable(stage, TableName, "Query", async () => {
    const records: SegmentStatus[] = [];
    const input = {
      TableName,
      KeyConditionExpression: "#task = :task",
      ExpressionAttributeNames: { "#task": "task" },
      ExpressionAttributeValues: { ":task": { S: taskId } },
    };
    for await (const { Items = [] } of paginateQuery({ client }, input))
      records.push(...Items.map(segmentOfItem));
    return records;
  });
}

/** Whether a task can still change by itself. A rejected request, too, has ended. */
export function hasEnded({ state }: TaskStatus): boolean {
  return isEnded(state);
}

/** Calls a status table. If the table does not exist, the stage does not. */
async function onStatusTable<T>(
  stage: Stage,
  table: string,
  operation: string,
  run: () => Promise<T>,
): Promise<T> {
  const call = { operation, resource: `table ${table} in ${stage.region}` };
  try {
    return await translateErrors(call, run);
  } catch (error) {
    const { code } = error as { code?: string };
    throw code === "no-such-table" ? noSuchStage(stage, error) : explained(error, call);
  }
}

export function noSuchStage({ name, region }: Stage, cause: unknown): ClientError {
  return new ClientError("not-found", "no-such-stage", {
    message: `There is no stage ${name} in ${region} in this account.`,
    hint: "Check --stage, --region and --profile. `ferry doctor` shows what is deployed.",
    cause,
  });
}
