import type { TableDescription } from "@aws-sdk/client-dynamodb";
import { decodeTableFile } from "@ferry/core/archive/table-settings";
import { afterEach, describe, expect, it } from "vitest";
import { REGION, rawClient } from "../testing/dynamodb.ts";
import { type Stub, startStub } from "../testing/stub-server.ts";
import { describeTable, identifyTable, tableSettings } from "./table-description.ts";

const table = { region: REGION, name: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders" };
const described = {
  TableArn: table.name,
  TableId: "id",
  TableStatus: "ACTIVE",
  TableSizeBytes: 123,
  ItemCount: 7,
  GlobalSecondaryIndexes: [{ IndexName: "by-g" }],
  CreationDateTime: 1_793_498_400.123,
  KeySchema: [
    { AttributeName: "r", KeyType: "RANGE" },
    { AttributeName: "h", KeyType: "HASH" },
  ],
  AttributeDefinitions: [
    { AttributeName: "g", AttributeType: "S" },
    { AttributeName: "h", AttributeType: "B" },
    { AttributeName: "r", AttributeType: "N" },
  ],
  ProvisionedThroughput: { ReadCapacityUnits: 10, WriteCapacityUnits: 5, NumberOfDecreasesToday: 0 },
};

describe("a table's description", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function answering(answer: object, refused: readonly string[], error = "AccessDeniedException") {
    stub = await startStub(({ headers, body }) => {
      const operation = String(headers["x-amz-target"]).split(".")[1];
      if (refused.includes(operation!))
        return {
          status: 400,
          body: JSON.stringify({ __type: error, message: "not yours" }),
        };
      const { NextToken } = JSON.parse(body.toString()) as { NextToken?: string };
      const answers: Record<string, object> = {
        DescribeTable: { Table: answer },
        DescribeTimeToLive: {
          TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
        },
        ListTagsOfResource:
          NextToken === undefined
            ? { Tags: [{ Key: "a", Value: "1" }], NextToken: "more" }
            : { Tags: [{ Key: "b", Value: "2" }] },
        DescribeContinuousBackups: {
          ContinuousBackupsDescription: {
            ContinuousBackupsStatus: "ENABLED",
            PointInTimeRecoveryDescription: {
              PointInTimeRecoveryStatus: "ENABLED",
              RecoveryPeriodInDays: 7,
              EarliestRestorableDateTime: 1_793_498_400,
            },
          },
        },
        DescribeKinesisStreamingDestination: {
          KinesisDataStreamDestinations: [{ StreamArn: "arn:aws:kinesis:x", DestinationStatus: "ACTIVE" }],
        },
        DescribeContributorInsights: { ContributorInsightsStatus: "ENABLED" },
        GetResourcePolicy: { Policy: '{"Statement":[]}', RevisionId: "1" },
      };
      return { body: JSON.stringify(answers[operation!]) };
    });
    return rawClient(stub.endpoint);
  }
  const describing = async (answer: object, refused: readonly string[] = []) =>
    describeTable(await answering(answer, refused), table);
  const settingsOf = async (address: typeof table, refused: readonly string[] = [], error?: string) =>
    tableSettings(await answering(described, refused, error), address);

  it("of a provisioned table has keys in order and capacity, and calls DescribeTable alone", async () => {
    const description = await describing(described);
    expect(description).toEqual({
      arn: table.name,
      id: "id",
      status: "ACTIVE",
      keys: ["h", "r"],
      keyTypes: { h: "B", r: "N" },
      sizeBytes: 123,
      itemCount: 7,
      indexCount: 1,
      provisioned: { readUnits: 10, writeUnits: 5 },
    });
    expect(stub.requests.map(({ headers }) => headers["x-amz-target"])).toEqual([
      "DynamoDB_20120810.DescribeTable",
    ]);
  });

  it("has settings as plain JSON, with all tags", async () => {
    expect(await settingsOf(table)).toEqual({
      Table: { ...described, CreationDateTime: "2026-11-01T02:00:00.123Z" },
      TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: "ENABLED",
        PointInTimeRecoveryDescription: {
          PointInTimeRecoveryStatus: "ENABLED",
          RecoveryPeriodInDays: 7,
          EarliestRestorableDateTime: "2026-11-01T02:00:00.000Z",
        },
      },
      ResourcePolicy: '{"Statement":[]}',
      KinesisDataStreamDestinations: [{ StreamArn: "arn:aws:kinesis:x", DestinationStatus: "ACTIVE" }],
      ContributorInsightsStatus: "ENABLED",
    });
    for (const { body } of stub.requests) {
      const { TableName, ResourceArn } = JSON.parse(body.toString());
      expect(TableName ?? ResourceArn).toBe(table.name);
    }
  });

  it("of another account's table lists the settings that only its owner can read", async () => {
    const settings = await settingsOf(table, ["DescribeTimeToLive"]);
    expect(settings).not.toHaveProperty("TimeToLiveDescription");
    expect(settings["NotRead"]).toEqual([
      { operation: "DescribeTimeToLive", reason: expect.stringContaining("not yours") },
    ]);
    expect(settings["Tags"]).toHaveLength(2);
  });

  it("on an engine without tags lists them as not read", async () => {
    const own = { ...table, name: "orders" };
    const settings = await settingsOf(own, ["ListTagsOfResource"], "UnknownOperationException");
    expect(settings).not.toHaveProperty("Tags");
    expect(settings["NotRead"]).toEqual([
      { operation: "ListTagsOfResource", reason: expect.stringContaining("UnknownOperationException") },
    ]);
  });

  it.each(["DescribeTimeToLive", "ListTagsOfResource"])(
    "of a table in the own account fails if %s is denied",
    async (operation) => {
      const own = { ...table, name: "orders" };
      await expect(settingsOf(own, [operation])).rejects.toMatchObject({
        kind: "permanent",
        operation,
      });
    },
  );

  it("of a table without a policy has null", async () => {
    const settings = await settingsOf(table, ["GetResourcePolicy"], "PolicyNotFoundException");
    expect(settings["ResourcePolicy"]).toBeNull();
    expect(settings).not.toHaveProperty("NotRead");
  });

  it("of a table in the own account lists what the roles of earlier versions may not read", async () => {
    const own = { ...table, name: "orders" };
    const operations = [
      "DescribeContinuousBackups",
      "DescribeContributorInsights",
      "DescribeKinesisStreamingDestination",
      "GetResourcePolicy",
    ];
    const settings = await settingsOf(own, operations);
    expect(settings).not.toHaveProperty("ResourcePolicy");
    expect(settings).not.toHaveProperty("ContinuousBackupsDescription");
    expect(settings["NotRead"]).toEqual(
      operations.map((operation) => ({
        operation,
        reason: expect.stringContaining("failed: AccessDeniedException: not yours."),
      })),
    );
  });

  it("fails if a policy cannot be read for now: a repeated call may read it", async () => {
    const failing = settingsOf(table, ["GetResourcePolicy"], "InternalServerError");
    await expect(failing).rejects.toMatchObject({ kind: "transient", operation: "GetResourcePolicy" });
  });

  it("of another account's table fails if DescribeTable is denied", async () => {
    await expect(describing(described, ["DescribeTable"])).rejects.toMatchObject({
      kind: "permanent",
      operation: "DescribeTable",
    });
  });

  it("is not read for the table's id: identifyTable calls DescribeTable once and nothing else", async () => {
    await describing(described);
    stub.requests.length = 0;
    expect(await identifyTable(rawClient(stub.endpoint), table)).toBe("id");
    expect(stub.requests.map(({ headers }) => headers["x-amz-target"])).toEqual([
      "DynamoDB_20120810.DescribeTable",
    ]);
  });

  it.each([
    ["no ARN", { TableArn: undefined }],
    ["no key schema", { KeySchema: undefined }],
    ["an empty key schema", { KeySchema: [] }],
  ])("with %s is refused", async (_, some) => {
    await expect(describing({ ...described, ...some })).rejects.toMatchObject({
      kind: "permanent",
      code: "no-such-table",
      operation: "DescribeTable",
      resource: `table ${table.name} in ${REGION}`,
    });
    expect(stub.requests).toHaveLength(1);
  });

  it("without the optional fields has zeros and no id", async () => {
    const description = await describing({
      TableArn: table.name,
      KeySchema: [{ AttributeName: "h", KeyType: "HASH" }],
    });
    expect(description).toStrictEqual({
      arn: table.name,
      status: "UNKNOWN",
      keys: ["h"],
      keyTypes: {},
      sizeBytes: 0,
      itemCount: 0,
      indexCount: 0,
    });
  });

  it("counts the indexes of both kinds", async () => {
    const LocalSecondaryIndexes = [{ IndexName: "a" }, { IndexName: "b" }];
    expect((await describing({ ...described, LocalSecondaryIndexes })).indexCount).toBe(3);
    await stub.close();
    const only = { ...described, GlobalSecondaryIndexes: undefined, LocalSecondaryIndexes };
    expect((await describing(only)).indexCount).toBe(2);
  });

  it("has the hash key first, whatever the order of the schema", async () => {
    expect((await describing({ ...described, KeySchema: described.KeySchema.toReversed() })).keys).toEqual([
      "h",
      "r",
    ]);
  });

  it("of a table with read capacity alone has no write capacity", async () => {
    const ProvisionedThroughput = { ReadCapacityUnits: 3 };
    expect((await describing({ ...described, ProvisionedThroughput })).provisioned).toEqual({
      readUnits: 3,
      writeUnits: 0,
    });
  });

  it("of a table that was changed to on-demand has no provisioned capacity, and one that was changed back has", async () => {
    const modes = ["PAY_PER_REQUEST", "PROVISIONED"];
    const all = [];
    for (const BillingMode of modes) {
      all.push((await describing({ ...described, BillingModeSummary: { BillingMode } })).provisioned);
      await stub.close();
    }
    expect(all).toEqual([undefined, { readUnits: 10, writeUnits: 5 }]);
  });

  it("with all settings read has no NotRead", async () => {
    expect(await settingsOf(table)).not.toHaveProperty("NotRead");
  });

  it("of another account's table fails if the tags cannot be read for now", async () => {
    stub = await startStub(({ headers }) => {
      const operation = String(headers["x-amz-target"]).split(".")[1];
      if (operation === "ListTagsOfResource")
        return { status: 500, body: JSON.stringify({ __type: "InternalServerError" }) };
      return { body: JSON.stringify(operation === "DescribeTable" ? { Table: described } : {}) };
    });
    await expect(tableSettings(rawClient(stub.endpoint), table)).rejects.toMatchObject({
      kind: "transient",
      operation: "ListTagsOfResource",
    });
  });

  it("reads tags page by page, and none if the response has none", async () => {
    const pages = [{ Tags: [{ Key: "a", Value: "1" }], NextToken: "x" }, { NextToken: "y" }, {}];
    stub = await startStub(({ headers, body }) => {
      const operation = String(headers["x-amz-target"]).split(".")[1];
      const { NextToken } = JSON.parse(body.toString()) as { NextToken?: string };
      if (operation === "ListTagsOfResource")
        return { body: JSON.stringify(pages[NextToken === undefined ? 0 : NextToken === "x" ? 1 : 2]) };
      return { body: JSON.stringify(operation === "DescribeTable" ? { Table: described } : {}) };
    });
    const settings = await tableSettings(rawClient(stub.endpoint), table);
    expect(settings["Tags"]).toEqual([{ Key: "a", Value: "1" }]);
    const tokens = stub.requests
      .filter(({ headers }) => String(headers["x-amz-target"]).endsWith("ListTagsOfResource"))
      .map(({ body }) => JSON.parse(body.toString()));
    expect(tokens).toEqual([
      { ResourceArn: table.name },
      { ResourceArn: table.name, NextToken: "x" },
      { ResourceArn: table.name, NextToken: "y" },
    ]);
  });

  it("has no id if DynamoDB answers without a table", async () => {
    stub = await startStub(() => ({ body: "{}" }));
    expect(await identifyTable(rawClient(stub.endpoint), table)).toBeUndefined();
    await expect(describeTable(rawClient(stub.endpoint), table)).rejects.toMatchObject({
      code: "no-such-table",
    });
  });

  it.each([
    { BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" } },
    { ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 } },
    { ProvisionedThroughput: undefined },
  ])("of an on-demand table, shown by %j, has no provisioned capacity", async (some) => {
    expect((await describing({ ...described, ...some })).provisioned).toBeUndefined();
  });
});

/** What becomes of each field of DescribeTable's answer in a table that a restore creates. A new field of the SDK does not compile. */
const fates: Record<keyof TableDescription, "restored" | "reported" | "of this table"> = {
  AttributeDefinitions: "restored",
  KeySchema: "restored",
  LocalSecondaryIndexes: "restored",
  GlobalSecondaryIndexes: "restored",
  VectorIndexes: "restored",
  BillingModeSummary: "restored",
  ProvisionedThroughput: "restored",
  OnDemandThroughput: "restored",
  TableClassSummary: "restored",
  SSEDescription: "restored",
  StreamSpecification: "restored",
  DeletionProtectionEnabled: "restored",
  WarmThroughput: "reported",
  Replicas: "reported",
  TableArn: "restored",
  // Only global tables have these: their replicas are reported.
  GlobalTableVersion: "of this table",
  GlobalTableWitnesses: "of this table",
  GlobalTableSettingsReplicationMode: "of this table",
  MultiRegionConsistency: "of this table",
  DisassociationProtectionEnabled: "of this table",
  TableName: "of this table",
  TableStatus: "of this table",
  TableId: "of this table",
  CreationDateTime: "of this table",
  TableSizeBytes: "of this table",
  ItemCount: "of this table",
  LatestStreamLabel: "of this table",
  LatestStreamArn: "of this table",
  RestoreSummary: "of this table",
  ArchivalSummary: "of this table",
};

describe("the settings that a restore reads from table.json", () => {
  it("are all fields of DescribeTable's answer that are settings", () => {
    const Table = {
      AttributeDefinitions: [],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      LocalSecondaryIndexes: [],
      GlobalSecondaryIndexes: [],
      VectorIndexes: [],
      BillingModeSummary: {},
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
      OnDemandThroughput: {},
      TableClassSummary: {},
      SSEDescription: {},
      StreamSpecification: {},
      DeletionProtectionEnabled: true,
      WarmThroughput: {},
      Replicas: [],
      TableArn: "arn",
      TableName: "not a setting",
    };
    const stored = new TextEncoder().encode(JSON.stringify({ "format-version": 1, Table }));
    const read = decodeTableFile({ region: REGION, name: "bucket" }, "table.json", stored);
    const settings = Object.entries(fates).filter(([, fate]) => fate !== "of this table");
    expect(Object.keys(read.Table).sort()).toEqual(settings.map(([name]) => name).sort());
  });
});
