/**
 * Reads a table's description: its keys and size for the plan, its settings for table.json.
 */
import {
  DescribeContinuousBackupsCommand,
  DescribeContributorInsightsCommand,
  DescribeKinesisStreamingDestinationCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  GetResourcePolicyCommand,
  ListTagsOfResourceCommand,
  type TableDescription as SdkTable,
  type Tag,
} from "@aws-sdk/client-dynamodb";
import { type FerryError, isPermanent, permanent } from "@ferry/core/errors/errors";
import type { KeyNames } from "@ferry/core/events/events";
import type { TableDescription, TableSettings } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import { nameOf, onTable, translateErrors, unlessNamed } from "../errors.ts";

/** Describes a table. Only calls DescribeTable: a restore needs no other permission for it. */
export async function describeTable(client: DynamoDBClient, table: TableAddress): Promise<TableDescription> {
  return descriptionOf(table, "DescribeTable", await tableDescription(client, table));
}

/** The description in an answer of the operation. Permanent error `no-such-table` if it has no keys. */
export function descriptionOf(
  table: TableAddress,
  operation: string,
  Table: SdkTable | undefined,
): TableDescription {
  const keys = Table?.KeySchema?.map((key) => key.AttributeName) ?? [];
  if (Table?.TableArn === undefined || keys.length === 0)
    throw permanent("no-such-table", {
      ...onTable(operation, table),
      message: "DynamoDB answered without an ARN or a key schema.",
      hint: "Check table-name and table-region.",
    });
  const { BillingModeSummary, ProvisionedThroughput: throughput } = Table;
  const onDemand = BillingModeSummary?.BillingMode === "PAY_PER_REQUEST" || !throughput?.ReadCapacityUnits;
  return {
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

/**
 * A table's settings: the results of DescribeTable (`Table`), DescribeTimeToLive (`TimeToLiveDescription`), ListTagsOfResource
 * (`Tags`), DescribeContinuousBackups (`ContinuousBackupsDescription`), GetResourcePolicy (`ResourcePolicy`: its JSON text, or
 * null), DescribeKinesisStreamingDestination (`KinesisDataStreamDestinations`) and DescribeContributorInsights
 * (`ContributorInsightsStatus`), times as ISO 8601. All but the first may be missing if the table is named by its ARN, because it may
 * belong to another account, or if the engine does not have the operation; the last four also if the role lacks the permission. `NotRead` then
 * lists them with reasons.
 */
export async function tableSettings(client: DynamoDBClient, table: TableAddress): Promise<TableSettings> {
  const TableName = table.name;
  const Table = await tableDescription(client, table);
  const arn = Table?.TableArn ?? TableName;
  const NotRead: NotReadSetting[] = [];
  const [timeToLive, Tags, backups, ResourcePolicy, destinations, insights] = await Promise.all([
    unlessNotReadable(table, "DescribeTimeToLive", NotRead, () =>
      client.send(new DescribeTimeToLiveCommand({ TableName })),
    ),
    unlessNotReadable(table, "ListTagsOfResource", NotRead, () => tagsOf(client, arn)),
    ifReadable(table, "DescribeContinuousBackups", NotRead, () =>
      client.send(new DescribeContinuousBackupsCommand({ TableName })),
    ),
    ifReadable(table, "GetResourcePolicy", NotRead, () => resourcePolicyOf(client, arn)),
    ifReadable(table, "DescribeKinesisStreamingDestination", NotRead, () =>
      client.send(new DescribeKinesisStreamingDestinationCommand({ TableName })),
    ),
    ifReadable(table, "DescribeContributorInsights", NotRead, () =>
      client.send(new DescribeContributorInsightsCommand({ TableName })),
    ),
  ]);
  // Concurrent calls: in a fixed order, the file of a repeated backup is the same.
  NotRead.sort((a, b) => (a.operation < b.operation ? -1 : 1));
  const settings = {
    Table,
    TimeToLiveDescription: timeToLive?.TimeToLiveDescription,
    Tags,
    ContinuousBackupsDescription: backups?.ContinuousBackupsDescription,
    ResourcePolicy,
    KinesisDataStreamDestinations: destinations?.KinesisDataStreamDestinations,
    ContributorInsightsStatus: insights?.ContributorInsightsStatus,
    ...(NotRead.length > 0 && { NotRead }),
  };
  // To plain JSON: Dates become ISO 8601, undefined fields are removed.
  return JSON.parse(JSON.stringify(settings)) as TableSettings;
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
 * allows, and other engines lack some operations (DynamoDB Local: tags). Their tables must be possible to back up nevertheless.
 */
async function unlessNotReadable<T>(
  table: TableAddress,
  operation: string,
  notRead: NotReadSetting[],
  read: () => Promise<T>,
): Promise<T | undefined> {
  return ifReadable(table, operation, notRead, read, (error) => {
    // DynamoDB has the operations, so it never answers this.
    const isUnknown = nameOf(error.cause) === "UnknownOperationException";
    return isUnknown || table.name.startsWith("arn:");
  });
}

/** A setting without which a backup is still useful: roles of earlier versions lack the permission to read it. */
async function ifReadable<T>(
  table: TableAddress,
  operation: string,
  notRead: NotReadSetting[],
  read: () => Promise<T>,
  mayBeMissing: (error: FerryError) => boolean = () => true,
): Promise<T | undefined> {
  try {
    return await translateErrors(onTable(operation, table), read);
  } catch (error) {
    if (!isPermanent(error) || !mayBeMissing(error)) throw error;
    notRead.push({ operation, reason: error.message });
    return undefined;
  }
}

/** The text of a table's policy; null if it has none. */
async function resourcePolicyOf(client: DynamoDBClient, ResourceArn: string): Promise<string | null> {
  const found = await unlessNamed(/^PolicyNotFoundException$/, undefined, () =>
    client.send(new GetResourcePolicyCommand({ ResourceArn })),
  );
  return found?.Policy ?? null;
}

/** All tags of a table. */
export async function tagsOf(client: DynamoDBClient, ResourceArn: string): Promise<Tag[]> {
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
