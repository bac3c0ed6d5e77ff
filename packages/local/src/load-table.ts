/**
 * Creates tables and puts their items, with a stock client.
 */

import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  type DynamoDBClient,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { KeyType } from "@ferry/core/archive/key-value";
import { onDemandTable } from "@ferry/core/table/key-definition";

const WRITES_PER_CALL = 25;
const CALLS_IN_FLIGHT = 8;
/** Seconds. A table exists within one, unless the machine is very busy. */
const WAIT = { maxWaitTime: 300, minDelay: 0.1, maxDelay: 0.2 };

/** Creates an on-demand table with these keys, hash first, and waits until it can be used. */
export async function createEmptyTable(
  client: DynamoDBClient,
  TableName: string,
  keys: readonly (readonly [name: string, type: KeyType])[],
): Promise<void> {
  const table = onDemandTable(
    TableName,
    keys.map(([name, type]) => ({ name, type })),
  );
  await client.send(new CreateTableCommand(table));
  await waitUntilTableExists({ client, ...WAIT }, { TableName });
}

/** Puts all items; returns their number. `onProgress` receives the number of items put so far. */
export async function putItems(
  client: DynamoDBClient,
  table: string,
  items: readonly Record<string, AttributeValue>[],
  onProgress: (count: number) => void = () => {},
): Promise<number> {
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < items.length) {
      const some = items.slice(next, next + WRITES_PER_CALL);
      next += some.length;
      let requests = some.map((Item) => ({ PutRequest: { Item } }));
      while (requests.length > 0) {
        const { UnprocessedItems } = await client.send(
          new BatchWriteItemCommand({ RequestItems: { [table]: requests } }),
        );
        requests = (UnprocessedItems?.[table] ?? []) as typeof requests;
      }
      done += some.length;
      onProgress(done);
    }
  };
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, worker));
  return done;
}
