/**
 * The status tables on DynamoDB. A write is one conditional put, without transactions, so any DynamoDB engine suffices.
 */
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import type { StatusReader, StatusStore } from "@ferry/core/ports";
import { rankOf } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/request/task";
import { nameOf, translateErrors } from "../errors.ts";
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
    row: { TableName: string; Item: Item; name: string },
    condition: {
      ConditionExpression: string;
      names: Record<string, string>;
      values?: Record<string, unknown>;
    },
  ): Promise<boolean> {
    return translateErrors(
      { operation: "PutItem", resource: `table ${row.TableName}, ${row.name}` },
      async () => {
        try {
          await client.send(
            new PutItemCommand({
              TableName: row.TableName,
              Item: row.Item,
              ConditionExpression: condition.ConditionExpression,
              ExpressionAttributeNames: condition.names,
              ...(condition.values !== undefined && {
                ExpressionAttributeValues: marshall(condition.values),
              }),
            }),
          );
          return true;
        } catch (error) {
          if (nameOf(error) === "ConditionalCheckFailedException") return false;
          throw error;
        }
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
        ? putIf(put, { ConditionExpression: "attribute_not_exists(#key)", names: { "#key": "key" } })
        : putIf(put, {
            ConditionExpression: "#rev = :read",
            names: { "#rev": "rev" },
            values: { ":read": readRevision },
          });
    },
    async raise(record) {
      // If it is refused, a record of a higher rank is stored already.
      await putIf(
        { TableName: tables.segment, Item: itemOfRecord(record), name: `${record.task} ${record.segment}` },
        {
          ConditionExpression: "attribute_not_exists(#rank) OR #rank < :rank",
          names: { "#rank": "rank" },
          values: { ":rank": rankOf(record) },
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
