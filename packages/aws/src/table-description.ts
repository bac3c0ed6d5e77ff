/**
 * Reads a table's description: its keys and size for the plan, its settings for table.json.
 */
import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ListTagsOfResourceCommand,
  type TableDescription as SdkTable,
  type Tag,
} from "@aws-sdk/client-dynamodb";
import type { TableAddress } from "@ferry/core/addresses";
import { isPermanent, permanent } from "@ferry/core/errors";
import type { KeyNames } from "@ferry/core/events";
import type { TableDescription } from "@ferry/core/ports";
import { onTable, translateErrors } from "./errors.ts";

/**
 * Describes a table. `settings` holds the results of DescribeTable (`Table`), DescribeTimeToLive
 * (`TimeToLiveDescription`) and ListTagsOfResource (`Tags`), times as ISO 8601. If the table is named by its ARN, it may
 * belong to another account, and the latter two may be missing: `NotRead` then lists them with reasons.
 */
export async function describeTable(client: DynamoDBClient, table: TableAddress): Promise<TableDescription> {
  const TableName = table.name;
  const { Table, ...description } = await describeStructure(client, table);
  const NotRead: NotReadSetting[] = [];
  const [timeToLive, Tags] = await Promise.all([
    unlessForeign(table, "DescribeTimeToLive", NotRead, () =>
      client.send(new DescribeTimeToLiveCommand({ TableName })),
    ),
    unlessForeign(table, "ListTagsOfResource", NotRead, () => tagsOf(client, description.arn)),
  ]);
  const settings = {
    Table,
    TimeToLiveDescription: timeToLive?.TimeToLiveDescription,
    Tags,
    ...(NotRead.length > 0 && { NotRead }),
  };
  return {
    ...description,
    // To plain JSON: Dates become ISO 8601, undefined fields are removed.
    settings: JSON.parse(JSON.stringify(settings)) as TableDescription["settings"],
  };
}

/** A table's description without its settings. It calls DescribeTable alone, so it needs no other permission. */
export async function describeStructure(
  client: DynamoDBClient,
  table: TableAddress,
): Promise<Omit<TableDescription, "settings"> & { readonly Table: SdkTable }> {
  const Table = await tableDescription(client, table);
  const keys = Table?.KeySchema?.map((key) => key.AttributeName) ?? [];
  if (Table?.TableArn === undefined || keys.length === 0)
    throw permanent("no-such-table", {
      ...onTable("DescribeTable", table),
      message: "DynamoDB answered without an ARN or a key schema.",
      hint: "Check table-name and table-region.",
    });
  const { BillingModeSummary, ProvisionedThroughput: throughput } = Table;
  const onDemand = BillingModeSummary?.BillingMode === "PAY_PER_REQUEST" || !throughput?.ReadCapacityUnits;
  return {
    Table,
    arn: Table.TableArn,
    ...(Table.TableId !== undefined && { id: Table.TableId }),
    status: Table.TableStatus ?? "UNKNOWN",
    keys: hashFirst(Table),
    keyTypes: Object.fromEntries(
      (Table.AttributeDefinitions ?? [])
        .filter(({ AttributeName }) => keys.includes(AttributeName))
        .map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
    ),
    sizeBytes: Table.TableSizeBytes ?? 0,
    itemCount: Table.ItemCount ?? 0,
    indexCount: (Table.GlobalSecondaryIndexes ?? []).length + (Table.LocalSecondaryIndexes ?? []).length,
    ...(!onDemand && {
      provisioned: {
        readUnits: throughput.ReadCapacityUnits ?? 0,
        writeUnits: throughput.WriteCapacityUnits ?? 0,
      },
    }),
  };
}

/** The table's id. Only calls DescribeTable, because every slice needs the id. */
export async function identifyTable(
  client: DynamoDBClient,
  table: TableAddress,
): Promise<string | undefined> {
  return (await tableDescription(client, table))?.TableId;
}

async function tableDescription(client: DynamoDBClient, table: TableAddress): Promise<SdkTable | undefined> {
  const { Table } = await translateErrors(onTable("DescribeTable", table), () =>
    client.send(new DescribeTableCommand({ TableName: table.name })),
  );
  return Table;
}

/** A setting that table.json lacks, and why. */
interface NotReadSetting {
  readonly operation: string;
  readonly reason: string;
}

/**
 * DynamoDB lets other accounts read less than the owner (DescribeTimeToLive: nothing), whatever the table's policy
 * allows. A table of another account must be possible to back up nevertheless.
 */
async function unlessForeign<T>(
  table: TableAddress,
  operation: string,
  notRead: NotReadSetting[],
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await translateErrors(onTable(operation, table), read);
  } catch (error) {
    const isRefusal = isPermanent(error);
    if (!isRefusal || !table.name.startsWith("arn:")) throw error;
    notRead.push({ operation, reason: error.message });
    return undefined;
  }
}

async function tagsOf(client: DynamoDBClient, ResourceArn: string): Promise<Tag[]> {
  const tags: Tag[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ListTagsOfResourceCommand({ ResourceArn, ...(NextToken !== undefined && { NextToken }) }),
    );
    tags.push(...(page.Tags ?? []));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return tags;
}

function hashFirst(table: SdkTable): KeyNames {
  const sorted = (table.KeySchema ?? []).toSorted((a, b) => order(a.KeyType) - order(b.KeyType));
  return sorted.map((key) => key.AttributeName) as unknown as KeyNames;
}

function order(keyType: string | undefined): number {
  return keyType === "HASH" ? 0 : 1;
}
