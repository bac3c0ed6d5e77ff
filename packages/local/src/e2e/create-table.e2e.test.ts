import {
  CreateTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetResourcePolicyCommand,
  ListTagsOfResourceCommand,
  PutResourcePolicyCommand,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Host, startHost } from "../host.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";

let host: Host;
let client: TestClient;
beforeAll(async () => {
  host = await startHost({ settings: { retryDelaySeconds: 0 } });
  client = await createTestClient(host);
});
afterAll(() => host?.stop());

const NAME = "settled";
const SOURCE = "us-east-1";
const COPY = "eu-west-1";
const policyOf = (arn: string) =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::222222222222:root" },
        Action: "dynamodb:Scan",
        Resource: arn,
      },
    ],
  });

/** A table with two global indexes and a local one, capacity, class, stream, time to live, recovery, protection, tags, policy. */
async function createSource(): Promise<void> {
  const dynamodb = new DynamoDBClient({ region: SOURCE });
  const hash = (AttributeName: string) => ({ AttributeName, KeyType: "HASH" as const });
  const range = (AttributeName: string) => ({ AttributeName, KeyType: "RANGE" as const });
  const units = (ReadCapacityUnits: number, WriteCapacityUnits: number) => ({
    ReadCapacityUnits,
    WriteCapacityUnits,
  });
  const { TableDescription } = await dynamodb.send(
    new CreateTableCommand({
      TableName: NAME,
      KeySchema: [hash("id"), range("sort")],
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType: "S" },
        { AttributeName: "sort", AttributeType: "N" },
        { AttributeName: "a", AttributeType: "S" },
        { AttributeName: "b", AttributeType: "B" },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: "by-a",
          KeySchema: [hash("id"), range("a")],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["x", "y"] },
        },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "of-a",
          KeySchema: [hash("a"), range("sort")],
          Projection: { ProjectionType: "KEYS_ONLY" },
          ProvisionedThroughput: units(301, 302),
        },
        {
          IndexName: "of-b",
          KeySchema: [hash("b")],
          Projection: { ProjectionType: "ALL" },
          ProvisionedThroughput: units(303, 304),
        },
      ],
      BillingMode: "PROVISIONED",
      ProvisionedThroughput: units(5000, 6000),
      TableClass: "STANDARD_INFREQUENT_ACCESS",
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
      DeletionProtectionEnabled: true,
      Tags: [
        { Key: "team", Value: "data" },
        { Key: "cost center", Value: "" },
      ],
    }),
  );
  const TableName = NAME;
  await waitUntilTableExists(
    { client: dynamodb, maxWaitTime: 30, minDelay: 0.1, maxDelay: 0.2 },
    { TableName },
  );
  const TimeToLiveSpecification = { Enabled: true, AttributeName: "expires" };
  await dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 };
  await dynamodb.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
  const ResourceArn = TableDescription!.TableArn!;
  await dynamodb.send(new PutResourcePolicyCommand({ ResourceArn, Policy: policyOf(ResourceArn) }));
}

/** All that DynamoDB says of the table's settings, without names, times and sizes. */
async function settingsIn(region: string) {
  const dynamodb = new DynamoDBClient({ region });
  const TableName = NAME;
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
  const ResourceArn = Table!.TableArn!;
  const { Tags } = await dynamodb.send(new ListTagsOfResourceCommand({ ResourceArn }));
  const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName }));
  const { ContinuousBackupsDescription } = await dynamodb.send(
    new DescribeContinuousBackupsCommand({ TableName }),
  );
  const { Policy } = await dynamodb.send(new GetResourcePolicyCommand({ ResourceArn }));
  const own = /^(TableArn|TableId|IndexArn|CreationDateTime|ItemCount|TableSizeBytes|IndexSizeBytes)$/;
  const described = JSON.parse(
    JSON.stringify(Table, (name, value) => (own.test(name) ? undefined : value)),
  ) as object;
  return {
    described,
    tags: Tags!.map(({ Key, Value }) => `${Key}=${Value}`).sort(),
    timeToLive: TimeToLiveDescription,
    recovery: ContinuousBackupsDescription,
    hasOwnPolicy: Policy === policyOf(ResourceArn),
  };
}

test("a backed-up table comes back whole in another region, where no table was", async () => {
  await createSource();
  const items = someItems(200).map((item, n) => ({ ...item, sort: { N: String(n) } }));
  await client.put(SOURCE, NAME, items);
  const backup = await client.runTask(client.backupOf(NAME), "b-settled");
  expect(backup).toMatchObject({ state: "succeeded", "transferred-items": 200 });

  const request = { ...client.restoreOf(NAME), "create-table": true };
  const restore = await client.runTask(request, "r-settled");
  expect(restore).toMatchObject({ state: "succeeded", "transferred-items": 200, reasons: [] });
  expect(await client.identical(NAME)).toBe(true);
  const settings = await settingsIn(SOURCE);
  expect(await settingsIn(COPY)).toEqual(settings);
  expect(settings).toMatchObject({
    tags: ["cost center=", "team=data"],
    timeToLive: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
    recovery: { PointInTimeRecoveryDescription: { RecoveryPeriodInDays: 7 } },
    hasOwnPolicy: true,
    described: { DeletionProtectionEnabled: true, StreamSpecification: { StreamEnabled: true } },
  });

  const reapplied = { outcome: "reapplied" };
  expect(restore["settings"]).toEqual({
    indexes: reapplied,
    "billing-mode": reapplied,
    "table-class": reapplied,
    encryption: { outcome: "off" },
    "auto-scaling": { outcome: "not-captured", reason: expect.any(String) },
    stream: reapplied,
    "time-to-live": reapplied,
    "point-in-time-recovery": reapplied,
    "deletion-protection": reapplied,
    tags: reapplied,
    "resource-policy": reapplied,
  });
  expect(restore["notes"]).toEqual([expect.stringContaining("auto-scaling")]);

  // The table is not that of a later request.
  const again = await client.runTask(request, "r-settled-again");
  expect(again).toMatchObject({ state: "rejected", reason: expect.stringContaining("table-exists") });
});
