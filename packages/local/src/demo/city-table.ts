import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createEmptyTable } from "../load-table.ts";

/** Creates a table for the demo's cities. */
export function createCityTable(region: string, name: string): Promise<void> {
  return createEmptyTable(new DynamoDBClient({ region }), name, [
    ["country", "S"],
    ["id", "N"],
  ]);
}
