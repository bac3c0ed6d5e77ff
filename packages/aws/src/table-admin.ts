/**
 * Creates tables on DynamoDB. The owner is a tag that CreateTable itself sets: there is no moment in which the table exists
 * without it.
 */
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import type { TableAdmin } from "@ferry/core/ports";
import { nameOf, onTable, translateErrors } from "./errors.ts";
import { descriptionOf, tagsOf } from "./table-description.ts";

/** The tag with the owner of a table that a restore creates. */
export const OWNER_TAG = "ferry:restore";

/** Tables of all regions. The SDK retries failed calls. */
export function tableAdmin(dynamodb: (region: string) => DynamoDBClient): TableAdmin {
  return {
    create: (table, definition, owner) =>
      translateErrors(onTable("CreateTable", table), async () => {
        const input = {
          ...definition,
          TableName: table.name,
          Tags: [{ Key: OWNER_TAG, Value: owner }],
        } as CreateTableCommandInput;
        try {
          const { TableDescription } = await dynamodb(table.region).send(new CreateTableCommand(input));
          return descriptionOf(table, "CreateTable", TableDescription);
        } catch (error) {
          // DynamoDB's answer if a table of this name exists.
          if (nameOf(error) === "ResourceInUseException") return undefined;
          throw error;
        }
      }),

    owner: (table, arn) =>
      translateErrors(onTable("ListTagsOfResource", table), async () => {
        try {
          const tags = await tagsOf(dynamodb(table.region), arn);
          return tags.find(({ Key }) => Key === OWNER_TAG)?.Value;
        } catch (error) {
          // Tags of a table that was just created may not exist yet. DynamoDB Local has no tags.
          if (/^(ResourceNotFoundException|UnknownOperationException)$/.test(nameOf(error))) return undefined;
          throw error;
        }
      }),
  };
}
