/**
 * Reads tasks' rows and segments' records from the status tables.
 */
import {
  GetItemCommand,
  paginateQuery,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { type TaskState, taskStates } from "@ferry/core/projection/status";
import { bareTableName } from "@ferry/core/request/request";
import type { Action, RowKey } from "@ferry/core/request/task";
import { byRequest, byState } from "@ferry/core/topology";
import { ClientError } from "../client-error.ts";
import { callingStage, type Stage } from "../stage/stage.ts";
import { type SegmentStatus, segmentOfItem, statusOfItem, type TaskStatus } from "./task-status.ts";

const ACTIONS: readonly Action[] = ["backup", "restore"];
/** `{key}@{timestamp}-{digest}`. The digest may be left out. */
const TASK_ID = /^(.+)@(\d{13})(?:-([0-9a-f]{16}))?$/;

async function readItem(stage: Stage, { action, key, timestamp }: RowKey) {
  const TableName = stage.table(`${action}-table`);
  const Key = { key: { S: key }, timestamp: { N: String(timestamp) } };
  const { Item } = await onStatusTable(stage, TableName, "GetItem", () =>
    stage.access.dynamodb(stage.region).send(new GetItemCommand({ TableName, Key, ConsistentRead: true })),
  );
  return Item;
}

/** Reads a row. Undefined if there is none. */
export async function readRow(stage: Stage, row: RowKey): Promise<TaskStatus | undefined> {
  const item = await readItem(stage, row);
  return item && statusOfItem(item);
}

/** The plan of a row; undefined if there is none. */
export async function readPlanOfRow(stage: Stage, row: RowKey): Promise<unknown> {
  const plan = (await readItem(stage, row))?.["plan"]?.S;
  return plan === undefined ? undefined : JSON.parse(plan);
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
 * The task with this id: a task id, with or without its digest, or a request-id. ClientErrors `no-id`, `no-such-task`,
 * `ambiguous-id` if a backup and a restore have it.
 */
export async function findTask(stage: Stage, id: string): Promise<TaskStatus> {
  if (id.trim() === "")
    throw new ClientError("usage", "no-id", {
      message: "The id of a task is missing: the text is empty.",
      hint: "`ferry tasks` lists the tasks with their ids.",
    });
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

/** The rows with a request-id. A request that was rejected because another one has its id has a row too. */
async function findByRequestId(stage: Stage, requestId: string): Promise<TaskStatus[]> {
  const input = {
    IndexName: byRequest.name,
    KeyConditionExpression: "#requestId = :requestId",
    ExpressionAttributeNames: { "#requestId": byRequest.hash.name },
    ExpressionAttributeValues: { ":requestId": { S: requestId } },
  };
  const keys = await Promise.all(ACTIONS.map((action) => keysInIndex(stage, action, input)));
  const rows = await Promise.all(keys.flat().map((key) => readRow(stage, key)));
  return rows.filter((row) => row !== undefined);
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

const ROWS_AT_ONCE = 25;

/**
 * Tasks, newest first. Their keys come from the index by state, and only as many rows are read as are returned; with `table` also
 * those of other tables, because restores' keys do not name it.
 */
export async function listTasks(stage: Stage, filter: TaskFilter = {}): Promise<TaskStatus[]> {
  const { table, limit = Number.POSITIVE_INFINITY } = filter;
  const actions = filter.action === undefined ? ACTIONS : [filter.action];
  const states = filter.states ?? taskStates;
  const perState = table === undefined ? limit : Number.POSITIVE_INFINITY;
  const found = await Promise.all(
    actions.flatMap((action) =>
      states.map((state) => keysInState(stage, action, state, filter.sinceMs, perState)),
    ),
  );
  const keys = found.flat().sort((a, b) => b.timestamp - a.timestamp);
  const tasks: TaskStatus[] = [];
  for (let at = 0; at < keys.length && tasks.length < limit; at += ROWS_AT_ONCE) {
    const rows = await Promise.all(keys.slice(at, at + ROWS_AT_ONCE).map((key) => readRow(stage, key)));
    // A row may have been deleted since, or have another state.
    for (const row of rows)
      if (row !== undefined && (table === undefined || bareTableName(row.table.name) === table))
        tasks.push(row);
  }
  return tasks.slice(0, limit);
}

/** The keys of the newest rows in a state, at most `limit`. */
async function keysInState(
  stage: Stage,
  action: Action,
  state: TaskState,
  sinceMs = 0,
  limit: number,
): Promise<RowKey[]> {
  const input = {
    IndexName: byState.name,
    ScanIndexForward: false,
    KeyConditionExpression: "#state = :state AND #timestamp >= :since",
    ExpressionAttributeNames: { "#state": byState.hash.name, "#timestamp": "timestamp" },
    ExpressionAttributeValues: { ":state": { S: state }, ":since": { N: String(sinceMs) } },
    ...(Number.isFinite(limit) && { Limit: limit }),
  };
  return keysInIndex(stage, action, input, limit);
}

/** The rows' keys that a query of an index finds, at most about `limit`. */
async function keysInIndex(
  stage: Stage,
  action: Action,
  input: Omit<QueryCommandInput, "TableName">,
  limit = Number.POSITIVE_INFINITY,
): Promise<RowKey[]> {
  const TableName = stage.table(`${action}-table`);
  const client = stage.access.dynamodb(stage.region);
  return onStatusTable(stage, TableName, "Query", async () => {
    const keys: RowKey[] = [];
    for await (const { Items = [] } of paginateQuery({ client }, { ...input, TableName })) {
      for (const { key, timestamp } of Items)
        keys.push({ action, key: key!.S!, timestamp: Number(timestamp!.N) });
      if (keys.length >= limit) break;
    }
    return keys;
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

function onStatusTable<T>(stage: Stage, table: string, operation: string, run: () => Promise<T>): Promise<T> {
  return callingStage(stage, { operation, resource: `table ${table} in ${stage.region}` }, run);
}
