/**
 * A table with settings of every kind, and what the API says of them, for tests of restores that create their table. It makes the calls
 * of a user, with stock clients.
 */
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

export const NAME = "settled";
const SOURCE = "us-east-1";

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

/**
 * Creates the table in us-east-1: two global indexes and a local one, capacity, class, stream, time to live, protection, tags and, unless the
 * engine lacks them, recovery and a resource policy. Returns its ARN.
 */
export async function createSettledTable({ isWhole }: { readonly isWhole: boolean }): Promise<string> {
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
  const ResourceArn = TableDescription!.TableArn!;
  if (!isWhole) return ResourceArn;
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 };
  await dynamodb.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
  await dynamodb.send(new PutResourcePolicyCommand({ ResourceArn, Policy: policyOf(ResourceArn) }));
  return ResourceArn;
}

/** What DescribeTable says of the table in a region, without names, times and sizes, and its time to live. */
export async function describedIn(region: string) {
  const dynamodb = new DynamoDBClient({ region });
  const TableName = NAME;
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
  const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName }));
  const own =
    /^(TableArn|TableId|IndexArn|CreationDateTime|ItemCount|TableSizeBytes|IndexSizeBytes|LatestStream(Arn|Label))$/;
  const described = JSON.parse(
    JSON.stringify(Table, (name, value) => (own.test(name) ? undefined : value)),
  ) as object;
  return { described, timeToLive: TimeToLiveDescription, arn: Table!.TableArn! };
}

/** The settings that the table in a region has besides those of `describedIn`. */
export async function otherSettingsIn(region: string, ResourceArn: string) {
  const dynamodb = new DynamoDBClient({ region });
  const { Tags } = await dynamodb.send(new ListTagsOfResourceCommand({ ResourceArn }));
  const { ContinuousBackupsDescription } = await dynamodb.send(
    new DescribeContinuousBackupsCommand({ TableName: NAME }),
  );
  const { Policy } = await dynamodb.send(new GetResourcePolicyCommand({ ResourceArn }));
  return {
    tags: Tags!.map(({ Key, Value }) => `${Key}=${Value}`).sort(),
    recovery: ContinuousBackupsDescription,
    hasOwnPolicy: Policy === policyOf(ResourceArn),
  };
}
