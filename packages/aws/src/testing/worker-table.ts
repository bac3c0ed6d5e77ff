/**
 * For tests: a worker table on a DynamoDB engine, whose items can be read.
 */
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import { workerTable } from "@ferry/core/topology";
import {
  type UpdateWorkerItem,
  type WorkerTableUpdate,
  workerTableItems,
} from "../worker-table/worker-table.ts";
import { createTable, rawClient, startDynamoDb } from "./dynamodb.ts";

export const WORKER_TABLE = "worker-table";

export interface TestWorkerTable {
  readonly endpoint: string;
  readonly update: UpdateWorkerItem;
  /** The attributes of an item besides its key, or undefined. */
  read(key: string): Promise<Record<string, unknown> | undefined>;
  close(): Promise<void>;
}

/** Starts an engine with an empty worker table. */
export async function startWorkerTable(): Promise<TestWorkerTable> {
  const engine = await startDynamoDb();
  const client = rawClient(engine.endpoint);
  await createTable(client, WORKER_TABLE, { [workerTable.hash.name]: workerTable.hash.type });
  return {
    endpoint: engine.endpoint,
    update: workerTableItems(client, WORKER_TABLE),
    async read(key) {
      const Key = { [workerTable.hash.name]: { S: key } };
      const { Item } = await client.send(new GetItemCommand({ TableName: WORKER_TABLE, Key }));
      if (Item === undefined) return undefined;
      const { [workerTable.hash.name]: _, ...attributes } = unmarshall(Item);
      return attributes;
    },
    close: () => engine.close(),
  };
}

/** An update that returns `answers` one after the other and then always undefined, and the updates that it received. */
export function scriptedUpdate(...answers: readonly (Record<string, unknown> | undefined)[]) {
  const updates: WorkerTableUpdate[] = [];
  const update: UpdateWorkerItem = async (_, one) => {
    updates.push(one);
    return answers[updates.length - 1];
  };
  return { update, updates };
}
