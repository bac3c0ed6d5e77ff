/**
 * Creates the demo's table and puts its items, with a stock client.
 */
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { CityItem } from "./cities.ts";

const WRITES_PER_CALL = 25;
const CALLS_IN_FLIGHT = 8;

export async function createCityTable(region: string, name: string): Promise<void> {
  const client = new DynamoDBClient({ region });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "country", AttributeType: "S" },
        { AttributeName: "id", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "country", KeyType: "HASH" },
        { AttributeName: "id", KeyType: "RANGE" },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: name });
}

/** Puts all items; returns their number. `onProgress` receives the number of items put so far. */
export async function load(
  region: string,
  table: string,
  items: readonly CityItem[],
  onProgress: (count: number) => void,
): Promise<number> {
  const client = new DynamoDBClient({ region });
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
