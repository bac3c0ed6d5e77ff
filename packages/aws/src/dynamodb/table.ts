/**
 * Tables on DynamoDB. Bodies that hold items are cut and spliced as bytes; only small fields are parsed.
 */
import { BatchWriteItemCommand, type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { ItemCount, ScanPage, TableData, Write, WriteResult } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import { onTable, translateErrors } from "../errors.ts";
import { sendRaw } from "../http/lean-send.ts";
import { rawBodyOf } from "../http/raw-protocol.ts";
import { openInsert } from "./insert.ts";
import { describeTable, identifyTable, tableSettings } from "./table-description.ts";
import { readWriteAnswer, reuseBody, writeBody } from "./write-body.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Tables of all regions. The clients of `dynamodb` must use RawProtocol and try a call once; those of `retrying` describe
 * tables.
 */
export function tableData(
  dynamodb: (region: string) => DynamoDBClient,
  retrying: (region: string) => DynamoDBClient,
): TableData {
  const insert = openInsert();
  return {
    describe: (table) => describeTable(retrying(table.region), table),
    settings: (table) => tableSettings(retrying(table.region), table),
    identify: (table) => identifyTable(retrying(table.region), table),
    scan: (page) => scan(dynamodb(page.table.region), page, {}),
    count: (page) => count(dynamodb(page.table.region), page),
    write: (table, writes) => write(dynamodb(table.region), table, writes),
    insert: (table, items, keys) => insert(dynamodb(table.region), table, items, keys),
  };
}

/** `options`: further members of the request. */
function scan(client: DynamoDBClient, page: ScanPage, options: { Select?: "COUNT" }): Promise<Uint8Array> {
  const TableName = page.table.name;
  // The start key is the last page's DynamoDB JSON, its binary in base64: the SDK would need it decoded.
  const body = JSON.stringify({
    TableName,
    Segment: page.segment,
    TotalSegments: page.totalSegments,
    ExclusiveStartKey: page.after,
    ConsistentRead: page.consistent,
    Limit: page.limit,
    ReturnConsumedCapacity: "TOTAL",
    ...options,
  });
  return translateErrors(onTable("Scan", page.table), async () =>
    rawBodyOf(await sendRaw(client, ScanCommand, { TableName }, encoder.encode(body))),
  );
}

/** Parses the small response here, not in the SDK: the next request needs its key as DynamoDB JSON. */
async function count(client: DynamoDBClient, page: ScanPage): Promise<ItemCount> {
  const answer = JSON.parse(decoder.decode(await scan(client, page, { Select: "COUNT" }))) as {
    Count: number;
    LastEvaluatedKey?: DynamoKey | null;
    ConsumedCapacity?: { CapacityUnits?: number } | null;
  };
  const after = answer.LastEvaluatedKey ?? undefined;
  return {
    items: answer.Count,
    ...(after !== undefined && { after }),
    units: answer.ConsumedCapacity?.CapacityUnits ?? 0,
  };
}

function write(client: DynamoDBClient, table: TableAddress, writes: readonly Write[]): Promise<WriteResult> {
  const input = { RequestItems: { [table.name]: [] } };
  return translateErrors(onTable("BatchWriteItem", table), async () => {
    const body = writeBody(table.name, writes);
    const answer = rawBodyOf(await sendRaw(client, BatchWriteItemCommand, input, body));
    // Of a call that failed, the body may still be sent.
    reuseBody(body);
    return readWriteAnswer(answer);
  });
}
