/**
 * For tests: a DynamoDB engine, and clients with RawProtocol.
 */

import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { onDemandTable } from "@ferry/core/table/key-definition";
import dynalite from "dynalite";
import { RawProtocol } from "../http/raw-protocol.ts";
import { credentials, type Listening, listening } from "./stub-server.ts";

export const REGION = "eu-west-1";

/** Starts an empty engine. */
export function startDynamoDb(): Promise<Listening> {
  return listening(dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 }));
}

/** A client with RawProtocol, by default without retries. */
export function rawClient(endpoint: string, maxAttempts = 1): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: REGION, credentials, protocol: RawProtocol, maxAttempts });
}

/** Creates a table and waits until it is active. `keys`: name to type, the hash key first. */
export async function createTable(
  client: DynamoDBClient,
  TableName: string,
  keys: Readonly<Record<string, "S" | "N" | "B">>,
): Promise<void> {
  const named = Object.entries(keys).map(([name, type]) => ({ name, type }));
  await client.send(new CreateTableCommand(onDemandTable(TableName, named)));
  // The engine activates the table after its response.
  for (let status: string | undefined; status !== "ACTIVE"; ) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    status = Table?.TableStatus;
  }
}
