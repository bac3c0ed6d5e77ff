/**
 * Tables on DynamoDB. Bodies that hold items are cut and spliced as bytes; only small fields are parsed.
 */
import {
  BatchWriteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import type { KeyNames } from "@ferry/core/events";
import type { ScanPage, TableAddress, TableData, Write, WriteResult } from "@ferry/core/ports";
import { nameOf, onTable, told } from "./errors.ts";
import { rawBodyOf, withRawBody } from "./raw-protocol.ts";
import { describeTable, identifyTable } from "./table-description.ts";
import { readWriteAnswer, writeBody } from "./write-body.ts";

const encoder = new TextEncoder();

/**
 * Tables by region. The clients of `dynamodb` must speak RawProtocol and make one try a call; `retrying` ones describe
 * tables.
 */
export function tableData(
  dynamodb: (region: string) => DynamoDBClient,
  retrying: (region: string) => DynamoDBClient,
): TableData {
  return {
    describe: (table) => describeTable(retrying(table.region), table),
    identify: (table) => identifyTable(retrying(table.region), table),
    scan: (page) => scan(dynamodb(page.table.region), page),
    write: (table, writes) => write(dynamodb(table.region), table, writes),
    putIfAbsent: (table, item, keys) => putIfAbsent(dynamodb(table.region), table, item, keys),
  };
}

function scan(client: DynamoDBClient, page: ScanPage): Promise<Uint8Array> {
  const TableName = page.table.name;
  // The start key is DynamoDB JSON as the last page said it, its binary in base64: the SDK would want it decoded.
  const body = JSON.stringify({
    TableName,
    Segment: page.segment,
    TotalSegments: page.totalSegments,
    ExclusiveStartKey: page.after,
    ConsistentRead: page.consistent,
    Limit: page.limit,
    ReturnConsumedCapacity: "TOTAL",
  });
  return told(onTable("Scan", page.table), async () =>
    rawBodyOf(await client.send(new ScanCommand(withRawBody({ TableName }, encoder.encode(body))))),
  );
}

function write(client: DynamoDBClient, table: TableAddress, writes: readonly Write[]): Promise<WriteResult> {
  const input = { RequestItems: { [table.name]: [] } };
  return told(onTable("BatchWriteItem", table), async () => {
    const command = new BatchWriteItemCommand(withRawBody(input, writeBody(table.name, writes)));
    return readWriteAnswer(rawBodyOf(await client.send(command)));
  });
}

function putIfAbsent(
  client: DynamoDBClient,
  table: TableAddress,
  item: Uint8Array,
  keys: KeyNames,
): Promise<{ stored: boolean; units: number }> {
  const about = {
    TableName: table.name,
    // The condition is on the item with this very key: that it has a hash key says that it is there.
    ConditionExpression: "attribute_not_exists(#k)",
    ExpressionAttributeNames: { "#k": keys[0] },
    ReturnConsumedCapacity: "TOTAL",
  } as const;
  const members = encoder.encode(`${JSON.stringify(about).slice(0, -1)},"Item":`);
  const body = Buffer.concat([members, item, encoder.encode("}")]);
  return told(onTable("PutItem", table), async () => {
    try {
      const command = new PutItemCommand(withRawBody({ TableName: table.name, Item: {} }, body));
      const { ConsumedCapacity } = await client.send(command);
      return { stored: true, units: ConsumedCapacity?.CapacityUnits ?? 0 };
    } catch (error) {
      if (nameOf(error) !== "ConditionalCheckFailedException") throw error;
      // A refused put costs as much as a write, and says nothing of it.
      return { stored: false, units: Math.ceil(item.length / 1024) };
    }
  });
}
