/**
 * The status tables on DynamoDB. A write is one conditional put, without transactions, so any DynamoDB engine suffices.
 */
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { StatusReader, StatusStore } from "@ferry/core/ports";
import { rankOf } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/request/task";
import { CONDITION_FAILED, translateErrors, unlessNamed } from "../errors.ts";
import { type Item, itemOfRecord, itemOfRow, rowOfItem } from "./status-item.ts";

/** The physical names of the row tables: a worker has only its own action's. */
export type TaskTables = Readonly<Partial<Record<Action, string>>>;

/** Reads tasks' rows. Throws if the table of a task's action was not given. */
export function statusReader(client: DynamoDBClient, tables: TaskTables): StatusReader {
  return {
    async read({ action, key, timestamp }) {
      const TableName = tableOf(action, tables);
      const { Item } = await translateErrors(onRow("GetItem", TableName, key, timestamp), () =>
        client.send(
          new GetItemCommand({ TableName, Key: marshall({ key, timestamp }), ConsistentRead: true }),
        ),
      );
      return Item === undefined ? undefined : rowOfItem(Item);
    },
  };
}

/** Reads and writes the status tables; `segment` holds the segment records. */
export function statusStore(
  client: DynamoDBClient,
  tables: Readonly<Record<Action | "segment", string>>,
): StatusStore {
  /** Returns whether the condition held. */
  async function putIf(
    { name, ...row }: { TableName: string; Item: Item; name: string },
    condition: {
      ConditionExpression: string;
      ExpressionAttributeNames: Record<string, string>;
      ExpressionAttributeValues?: Item;
    },
  ): Promise<boolean> {
    return translateErrors(
      { operation: "PutItem", resource: `table ${row.TableName}, ${name}` },
      async () => {
        const put = new PutItemCommand({ ...row, ...condition });
        return (await unlessNamed(CONDITION_FAILED, undefined, () => client.send(put))) !== undefined;
      },
    );
  }

  return {
    ...statusReader(client, tables),
    write(row, readRevision) {
      const put = {
        TableName: tableOf(row.action, tables),
        Item: itemOfRow(row),
        name: `${row.key}@${row.timestamp}`,
      };
      return readRevision === undefined
        ? putIf(put, {
            ConditionExpression: "attribute_not_exists(#key)",
            ExpressionAttributeNames: { "#key": "key" },
          })
        : putIf(put, {
            ConditionExpression: "#rev = :read",
            ExpressionAttributeNames: { "#rev": "rev" },
            ExpressionAttributeValues: marshall({ ":read": readRevision }),
          });
    },
    async raise(record) {
      // If it is refused, a record of a higher rank is stored already.
      await putIf(
        { TableName: tables.segment, Item: itemOfRecord(record), name: `${record.task} ${record.segment}` },
        {
          ConditionExpression: "attribute_not_exists(#rank) OR #rank < :rank",
          ExpressionAttributeNames: { "#rank": "rank" },
          ExpressionAttributeValues: marshall({ ":rank": rankOf(record) }),
        },
      );
    },
  };
}

function tableOf(action: Action, tables: TaskTables): string {
  const name = tables[action];
  if (name === undefined) throw new Error(`this process is not linked to the ${action}-table`);
  return name;
}

function onRow(operation: string, table: string, key: string, timestamp: number) {
  return { operation, resource: `table ${table}, ${key}@${timestamp}` };
}
