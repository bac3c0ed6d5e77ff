/**
 * DynamoDB's operations on the tables of items, with request and response bodies, on the memory tables.
 */

import { FerryError } from "@ferry/core/errors/errors";
import { OWNER_TAG } from "@ferry/core/events/setting-reports";
import type { LateSetting, ScanPage, TableData, TableDescription, Write } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import type { DynamoKey } from "@ferry/core/table/dynamo-key";
import type { MemoryTableAdmin } from "@ferry/memory/table-admin";
import type { MemoryTables } from "@ferry/memory/tables";
import { DynamoDbError } from "./own-tables.ts";
import { type RawJson, readRawJson } from "./raw-json.ts";

/** The tables behind the operations. */
export type ItemTables = TableData & Pick<MemoryTables, "find">;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The body of the response. Throws `DynamoDbError`. */
export async function callItemTables(
  operation: string,
  region: string,
  body: Uint8Array,
  tables: ItemTables,
  { admin, statements }: { readonly admin: MemoryTableAdmin; readonly statements: boolean },
): Promise<Uint8Array> {
  const request = readRawJson(decoder.decode(body));
  const text = (name: string) => JSON.parse(request.members.get(name)!.source) as string;
  const at = (name: string): TableAddress => ({ region, name });
  try {
    switch (operation) {
      case "Scan":
        return await scan(JSON.parse(request.source), region, tables);
      case "BatchWriteItem":
        return await batchWrite(request, at, tables);
      case "BatchExecuteStatement":
        if (!statements) throw new DynamoDbError({ __type: "#UnknownOperationException" });
        return await execute(request, at, tables);
      case "BatchGetItem":
        return batchGet(request, at, tables);
      case "PutItem":
        return await put(request, at(text("TableName")), tables);
      case "DescribeTable":
        return json({ Table: tableOf(text("TableName"), await tables.describe(at(text("TableName")))) });
      case "DescribeTimeToLive":
        return json({ TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" } });
      case "ListTagsOfResource": {
        const arn = text("ResourceArn");
        const owner = await admin.owner(at(arn), arn);
        return json({ Tags: owner === undefined ? [] : [{ Key: OWNER_TAG, Value: owner }] });
      }
      case "CreateTable": {
        const { TableName, Tags, ...definition } = JSON.parse(request.source) as CreateTableRequest;
        const owner = Tags.find(({ Key }) => Key === OWNER_TAG)!.Value;
        const created = await admin.create(at(TableName), definition, owner);
        if (created === undefined) throw new DynamoDbError({ __type: "#ResourceInUseException" });
        return json({ TableDescription: tableOf(TableName, created) });
      }
      case "DescribeContinuousBackups":
        return json({
          ContinuousBackupsDescription: {
            ContinuousBackupsStatus: "ENABLED",
            PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "DISABLED" },
          },
        });
      case "DescribeKinesisStreamingDestination":
        return json({ KinesisDataStreamDestinations: [] });
      case "DescribeContributorInsights":
        return json({ ContributorInsightsStatus: "DISABLED" });
      case "GetResourcePolicy":
        throw new DynamoDbError({ __type: "#PolicyNotFoundException" });
      case "UntagResource":
        admin.removeOwner(at(text("ResourceArn")));
        return json({});
      case "UpdateTable":
      case "UpdateTimeToLive":
      case "UpdateContinuousBackups":
      case "TagResource":
      case "PutResourcePolicy": {
        const input = JSON.parse(request.source) as SettingRequest;
        const table = at((input.TableName ?? input.ResourceArn)!);
        if ((await admin.apply(table, "", settingOf(input))) === "applied") return json({});
        throw new DynamoDbError({ __type: "#ResourceInUseException" });
      }
      default:
        throw new Error(`the simulated tables of items do not support ${operation}`);
    }
  } catch (error) {
    throw error instanceof FerryError ? new DynamoDbError(bodyOf(error)) : error;
  }
}

interface CreateTableRequest {
  readonly TableName: string;
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[];
}

/** The fields of the requests that change a table's settings. */
interface SettingRequest {
  readonly TableName?: string;
  readonly ResourceArn?: string;
  readonly StreamSpecification?: { readonly StreamViewType: string };
  readonly TimeToLiveSpecification?: { readonly AttributeName: string };
  readonly PointInTimeRecoverySpecification?: { readonly RecoveryPeriodInDays?: number };
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly Policy?: string;
}

function settingOf(input: SettingRequest): LateSetting {
  if (input.StreamSpecification !== undefined)
    return { name: "stream", viewType: input.StreamSpecification.StreamViewType };
  if (input.TimeToLiveSpecification !== undefined)
    return { name: "time-to-live", attribute: input.TimeToLiveSpecification.AttributeName };
  if (input.Policy !== undefined) return { name: "resource-policy", policy: input.Policy };
  if (input.Tags !== undefined)
    return { name: "tags", tags: Object.fromEntries(input.Tags.map(({ Key, Value }) => [Key, Value])) };
  const { PointInTimeRecoverySpecification: recovery } = input;
  if (recovery === undefined) return { name: "deletion-protection" };
  const days = recovery.RecoveryPeriodInDays;
  return { name: "point-in-time-recovery", ...(days !== undefined && { days }) };
}

async function scan(request: ScanRequest, region: string, tables: TableData): Promise<Uint8Array> {
  const page: ScanPage = {
    table: { region, name: request.TableName },
    segment: request.Segment,
    totalSegments: request.TotalSegments,
    consistent: request.ConsistentRead === true,
    ...(request.ExclusiveStartKey !== undefined && { after: request.ExclusiveStartKey }),
    ...(request.Limit !== undefined && { limit: request.Limit }),
  };
  if (request.Select !== "COUNT") return tables.scan(page);
  const { items, after, units } = await tables.count(page);
  return json({
    Count: items,
    ScannedCount: items,
    LastEvaluatedKey: after,
    ConsumedCapacity: { TableName: request.TableName, CapacityUnits: units },
  });
}

interface ScanRequest {
  readonly TableName: string;
  readonly Segment: number;
  readonly TotalSegments: number;
  readonly ConsistentRead?: boolean;
  readonly ExclusiveStartKey?: DynamoKey;
  readonly Limit?: number;
  readonly Select?: string;
}

async function batchWrite(
  request: RawJson,
  at: (name: string) => TableAddress,
  tables: TableData,
): Promise<Uint8Array> {
  const [[name, requests] = ["", undefined]] = request.members.get("RequestItems")!.members;
  const sources = new Map<Write, string>();
  const writes = requests!.elements.map((element) => {
    const put = element.members.get("PutRequest")?.members.get("Item");
    const remove = element.members.get("DeleteRequest")?.members.get("Key");
    const write: Write =
      put === undefined ? { remove: encoder.encode(remove!.source) } : { put: encoder.encode(put.source) };
    sources.set(write, element.source);
    return write;
  });
  const { unprocessed, units } = await tables.write(at(name), writes);
  const left = unprocessed.map((write) => sources.get(write));
  const wantsCapacity = request.members.get("ReturnConsumedCapacity")?.source === '"TOTAL"';
  return encoder.encode(
    `{"UnprocessedItems":{${left.length === 0 ? "" : `${JSON.stringify(name)}:[${left.join(",")}]`}}` +
      `${wantsCapacity ? `,"ConsumedCapacity":[{"TableName":${JSON.stringify(name)},"CapacityUnits":${units}}]` : ""}}`,
  );
}

/** INSERT statements into one table. */
async function execute(
  request: RawJson,
  at: (name: string) => TableAddress,
  tables: ItemTables,
): Promise<Uint8Array> {
  let name = "";
  const items = request.members.get("Statements")!.elements.map(({ members }) => {
    const statement = JSON.parse(members.get("Statement")!.source) as string;
    const [, table = "", fields = ""] = /^INSERT INTO "([^"]+)" VALUE \{(.*)\}$/s.exec(statement) ?? [];
    name = table;
    const names = [...fields.matchAll(/'((?:[^']|'')*)': \?(?:, |$)/gs)].map(([, one]) =>
      one!.replaceAll("''", "'"),
    );
    return itemOf(names, members.get("Parameters")!.elements);
  });
  const { keys } = await tables.describe(at(name));
  const { outcomes, units } = await tables.insert(at(name), items, keys);
  const responses = outcomes.map((outcome) => {
    if (outcome === "stored") return { TableName: name };
    const Code = outcome === "unprocessed" ? "ProvisionedThroughputExceeded" : "DuplicateItem";
    return { Error: { Code, Message: Code }, TableName: name };
  });
  return json({ Responses: responses, ConsumedCapacity: [{ TableName: name, CapacityUnits: units }] });
}

function itemOf(names: readonly string[], values: readonly RawJson[]): Uint8Array {
  if (names.length !== values.length)
    throw new Error(`a statement names ${names.length} attributes and has ${values.length} parameters`);
  const members = names.map((name, i) => `${JSON.stringify(name)}:${values[i]!.source}`);
  return encoder.encode(`{${members.join(",")}}`);
}

function batchGet(request: RawJson, at: (name: string) => TableAddress, tables: ItemTables): Uint8Array {
  const [[name, keys] = ["", undefined]] = request.members.get("RequestItems")!.members;
  const found = keys!.members.get("Keys")!.elements.flatMap(({ source }) => {
    const item = tables.find(at(name), JSON.parse(source) as DynamoKey);
    return item === undefined ? [] : [decoder.decode(item)];
  });
  return encoder.encode(`{"Responses":{${JSON.stringify(name)}:[${found.join(",")}]},"UnprocessedKeys":{}}`);
}

/** A put, without a condition or with the condition that no item has its key. */
async function put(request: RawJson, address: TableAddress, tables: TableData): Promise<Uint8Array> {
  const { members } = request;
  const text = (name: string) => JSON.parse(members.get(name)?.source ?? "null") as unknown;
  const item = encoder.encode(members.get("Item")!.source);
  const answer = (units: number) =>
    json({ ConsumedCapacity: { TableName: address.name, CapacityUnits: units } });
  const condition = text("ConditionExpression");
  if (condition === null) return answer((await tables.write(address, [{ put: item }])).units);
  const { keys } = await tables.describe(address);
  const names = text("ExpressionAttributeNames") as Record<string, string>;
  const [, placeholder = ""] = /^attribute_not_exists\((#\w+)\)$/.exec(String(condition)) ?? [];
  if (!(keys as readonly string[]).includes(names[placeholder] ?? ""))
    throw new Error(`an unknown condition: ${String(condition)} ${JSON.stringify(names)}`);
  const { outcomes, units } = await tables.insert(address, [item], keys);
  if (outcomes[0] === "stored") return answer(units);
  throw new DynamoDbError({
    __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
    message: "The conditional request failed",
  });
}

function tableOf(name: string, table: TableDescription) {
  const { readUnits = 0, writeUnits = 0 } = table.provisioned ?? {};
  return {
    TableName: name,
    TableArn: table.arn,
    TableId: table.id,
    TableStatus: table.status,
    TableSizeBytes: table.sizeBytes,
    ItemCount: table.itemCount,
    // Not in the order of the key schema: DynamoDB guarantees no order.
    AttributeDefinitions: Object.entries(table.keyTypes)
      .map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }))
      .reverse(),
    KeySchema: table.keys.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
    GlobalSecondaryIndexes: Array.from({ length: table.indexCount }, (_, i) => ({
      IndexName: `index-${i}`,
      IndexStatus: "ACTIVE",
    })),
    ProvisionedThroughput: { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits },
    ...(table.provisioned === undefined && { BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" } }),
  };
}

/** The body of an error of the memory tables. */
function bodyOf({ code, message }: FerryError): object {
  const types: Readonly<Record<string, string>> = {
    "no-such-table": "ResourceNotFoundException",
    throttled: "ProvisionedThroughputExceededException",
    "access-denied": "AccessDeniedException",
    "invalid-request": "ValidationException",
  };
  return { __type: `com.amazonaws.dynamodb.v20120810#${types[code] ?? "ValidationException"}`, message };
}

function json(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}
