/** The smoke test's two tables: created for a run and deleted after it. An existing table is never used. */

import {
  CreateTableCommand,
  DeleteTableCommand,
  PutItemCommand,
  paginateScan,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { onDemandTable } from "@ferry/core/table/key-definition";
import { type DeployedStage, restoredTable, sourceTable } from "./stage.ts";

const HASH = "id";
const WAIT_SECONDS = 120;

/** Creates both tables and calls `onCreated` after each. The source holds `items` items of about `bytes` bytes each. */
export async function createTables(
  stage: DeployedStage,
  { items, bytes }: { items: number; bytes: number },
  onCreated: (table: string) => void,
): Promise<void> {
  for (const TableName of [sourceTable(stage), restoredTable(stage)]) {
    try {
      await stage.db.send(new CreateTableCommand(onDemandTable(TableName, [{ name: HASH, type: "S" }])));
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
      throw new Error(
        `${TableName} exists: another smoke test is running, or one ended without cleaning up. If none is running, delete the table and try again.`,
      );
    }
    onCreated(TableName);
    await waitUntilTableExists(
      { client: stage.db, minDelay: 1, maxDelay: 5, maxWaitTime: WAIT_SECONDS },
      { TableName },
    );
  }
  for (let i = 0; i < items; i++)
    await stage.db.send(
      new PutItemCommand({
        TableName: sourceTable(stage),
        Item: {
          [HASH]: { S: `item-${i}` },
          number: { N: `${i}.00` },
          text: { S: `"quoted" \\ ü 🚢 ${i}` },
          flags: { M: { list: { L: [{ BOOL: i % 2 === 0 }, { NULL: true }] } } },
          filling: { S: "x".repeat(bytes) },
        },
      }),
    );
}

export async function deleteTable(stage: DeployedStage, TableName: string): Promise<void> {
  await stage.db.send(new DeleteTableCommand({ TableName }));
}

/** All items as sorted texts; equal items give equal texts. */
export async function contents(stage: DeployedStage, TableName: string): Promise<string[]> {
  const items: string[] = [];
  for await (const { Items = [] } of paginateScan({ client: stage.db }, { TableName, ConsistentRead: true }))
    items.push(
      ...Items.map((item) => JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))),
    );
  return items.sort();
}
