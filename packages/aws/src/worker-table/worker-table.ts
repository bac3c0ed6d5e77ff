/**
 * Items of the worker table. Workers are only allowed to update them: they may neither read nor delete.
 */
import { type DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { workerTable } from "@ferry/core/topology";
import { CONDITION_FAILED, translateErrors, unlessNamed } from "../errors.ts";

/** An update of an item. `names` and `values` define the placeholders in its expressions. */
export interface WorkerTableUpdate {
  /** The UpdateExpression. */
  readonly set: string;
  /** Without one, the update is made in any case. */
  readonly condition?: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string | number | ReadonlySet<number>>>;
}

/** How long an item is kept after its last use, s. */
export const KEPT_SECONDS = 24 * 3600;

/** Updates an item. Returns all its attributes, or undefined if the condition did not hold. */
export type UpdateWorkerItem = (
  key: string,
  update: WorkerTableUpdate,
) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Updates items of the worker table with this name. */
export function workerTableItems(client: DynamoDBClient, table: string): UpdateWorkerItem {
  return (key, { set, condition, names, values }) =>
    translateErrors({ operation: "UpdateItem", resource: `table ${table}, ${key}` }, async () => {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: marshall({ [workerTable.hash.name]: key }),
        UpdateExpression: set,
        ...(condition !== undefined && { ConditionExpression: condition }),
        ExpressionAttributeNames: names,
        // DynamoDB refuses an empty map.
        ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: marshall(values) }),
        ReturnValues: "ALL_NEW",
      });
      const updated = await unlessNamed(CONDITION_FAILED, undefined, () => client.send(update));
      return updated && unmarshall(updated.Attributes ?? {});
    });
}
