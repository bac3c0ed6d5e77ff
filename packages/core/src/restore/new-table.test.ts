import { restoreRequest } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import type { TableFile } from "../archive/table-settings.ts";
import type { RestoreRequest } from "../request/request.ts";
import { newTable } from "./new-table.ts";

const hash = (AttributeName: string) => ({ AttributeName, KeyType: "HASH" as const });
const range = (AttributeName: string) => ({ AttributeName, KeyType: "RANGE" as const });
const type = (AttributeName: string, AttributeType = "S") => ({ AttributeName, AttributeType });
const units = (ReadCapacityUnits: number, WriteCapacityUnits: number) => ({
  ReadCapacityUnits,
  WriteCapacityUnits,
});
const all = { ProjectionType: "ALL" };

const provisioned: TableFile["Table"] = {
  TableArn: "arn:aws:dynamodb:us-east-1:111111111111:table/cities",
  // DynamoDB requires the hash key first.
  KeySchema: [range("sort"), hash("id")],
  AttributeDefinitions: [type("id"), type("sort", "N"), type("a"), type("b", "B")],
  LocalSecondaryIndexes: [{ IndexName: "by-a", KeySchema: [hash("id"), range("a")], Projection: all }],
  GlobalSecondaryIndexes: [
    {
      IndexName: "of-b",
      KeySchema: [hash("b")],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["x"] },
      IndexStatus: "ACTIVE",
      ProvisionedThroughput: units(3, 4),
    },
  ],
  ProvisionedThroughput: units(5, 6),
  TableClassSummary: { TableClass: "STANDARD_INFREQUENT_ACCESS" },
  SSEDescription: {
    Status: "ENABLED",
    SSEType: "KMS",
    KMSMasterKeyArn: "arn:aws:kms:eu-west-1:111111111111:key/k",
  },
};
const onDemand: TableFile["Table"] = {
  KeySchema: [hash("id")],
  AttributeDefinitions: [type("id")],
  BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
  ProvisionedThroughput: units(0, 0),
  OnDemandThroughput: { MaxReadRequestUnits: 100, MaxWriteRequestUnits: -1 },
};

const tableOf = (Table: TableFile["Table"], fields: Partial<RestoreRequest> = {}) =>
  newTable({ ...(restoreRequest as RestoreRequest), "create-table": true, ...fields }, { Table });

describe("the definition of the new table", () => {
  test("has keys, indexes, capacity, class and key of a provisioned table", () => {
    const { definition, reports } = tableOf(provisioned);
    expect({ definition, reports }).toMatchObject({
      definition: {
        KeySchema: [hash("id"), range("sort")],
        AttributeDefinitions: [type("id"), type("sort", "N"), type("a"), type("b", "B")],
        LocalSecondaryIndexes: [{ IndexName: "by-a", KeySchema: [hash("id"), range("a")], Projection: all }],
        GlobalSecondaryIndexes: [
          {
            IndexName: "of-b",
            KeySchema: [hash("b")],
            Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["x"] },
            ProvisionedThroughput: units(3, 4),
          },
        ],
        BillingMode: "PROVISIONED",
        ProvisionedThroughput: units(5, 6),
        TableClass: "STANDARD_INFREQUENT_ACCESS",
        SSESpecification: {
          Enabled: true,
          SSEType: "KMS",
          KMSMasterKeyId: "arn:aws:kms:eu-west-1:111111111111:key/k",
        },
      },
      reports: {
        indexes: { outcome: "reapplied" },
        "billing-mode": { outcome: "reapplied" },
        "table-class": { outcome: "reapplied" },
        encryption: { outcome: "reapplied" },
      },
    });
  });

  test("has the limits of an on-demand table that are set", () => {
    expect(tableOf(onDemand)).toMatchObject({
      definition: {
        KeySchema: [hash("id")],
        AttributeDefinitions: [type("id")],
        BillingMode: "PAY_PER_REQUEST",
        OnDemandThroughput: { MaxReadRequestUnits: 100 },
      },
      reports: {
        indexes: { outcome: "off" },
        "billing-mode": { outcome: "reapplied" },
        "table-class": { outcome: "off" },
        encryption: { outcome: "off" },
      },
    });
  });

  test("has keys and indexes alone, on demand, with table-settings keys", () => {
    const { definition, reports } = tableOf(provisioned, { "table-settings": "keys" });
    expect(definition).toEqual({
      KeySchema: [hash("id"), range("sort")],
      AttributeDefinitions: [type("id"), type("sort", "N"), type("a"), type("b", "B")],
      LocalSecondaryIndexes: [{ IndexName: "by-a", KeySchema: [hash("id"), range("a")], Projection: all }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "of-b",
          KeySchema: [hash("b")],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["x"] },
        },
      ],
      BillingMode: "PAY_PER_REQUEST",
    });
    const leftOut = { outcome: "left-out", reason: "the request has table-settings keys" };
    expect(reports).toMatchObject({
      indexes: { outcome: "reapplied" },
      "billing-mode": leftOut,
      "table-class": leftOut,
      encryption: leftOut,
    });
  });

  test("has the primary key alone with table-settings none, without types of unused attributes", () => {
    const { definition, reports } = tableOf(provisioned, { "table-settings": "none" });
    expect(definition).toEqual({
      KeySchema: [hash("id"), range("sort")],
      AttributeDefinitions: [type("id"), type("sort", "N")],
      BillingMode: "PAY_PER_REQUEST",
    });
    expect(reports.indexes).toEqual({ outcome: "left-out", reason: "the request has table-settings none" });
  });

  test("has the billing mode and class of the request", () => {
    const { definition, reports } = tableOf(provisioned, {
      "billing-mode": "on-demand",
      "table-class": "standard",
    });
    expect(definition).toMatchObject({ BillingMode: "PAY_PER_REQUEST", TableClass: "STANDARD" });
    expect(definition).not.toHaveProperty("ProvisionedThroughput");
    expect(reports["billing-mode"]?.reason).toBe("the request has billing-mode on-demand");
    expect(reports["table-class"]?.reason).toBe("the request has table-class standard");
    expect(tableOf(onDemand, { "table-class": "standard-infrequent-access" }).definition["TableClass"]).toBe(
      "STANDARD_INFREQUENT_ACCESS",
    );
  });

  test("keeps the capacity of the backed-up table with billing-mode provisioned and table-settings keys", () => {
    const { definition } = tableOf(provisioned, { "billing-mode": "provisioned", "table-settings": "keys" });
    expect(definition).toMatchObject({
      BillingMode: "PROVISIONED",
      ProvisionedThroughput: units(5, 6),
      GlobalSecondaryIndexes: [{ ProvisionedThroughput: units(3, 4) }],
    });
  });

  test("is refused with billing-mode provisioned if the archive has no capacity", () => {
    expect(() => tableOf(onDemand, { "billing-mode": "provisioned" })).toThrow(
      expect.objectContaining({
        code: "table-settings-unusable",
        message: expect.stringContaining("no capacity of the table"),
      }),
    );
  });

  test("does not have an index that was being deleted", () => {
    const [index] = provisioned.GlobalSecondaryIndexes!;
    const deleting = { ...provisioned, GlobalSecondaryIndexes: [{ ...index!, IndexStatus: "DELETING" }] };
    const { definition } = tableOf(deleting);
    expect(definition).not.toHaveProperty("GlobalSecondaryIndexes");
    expect(definition["AttributeDefinitions"]).toEqual([type("id"), type("sort", "N"), type("a")]);
  });

  test("has the vector indexes, and the definitions of the attributes that they search", () => {
    const vectors = (IndexName: string, more: object = {}) => ({
      IndexName,
      VectorAttribute: { AttributeName: "embedding" },
      SearchSchema: [
        { AttributeName: "tenant", SearchSchemaElementType: "HASH" },
        { AttributeName: "year", SearchSchemaElementType: "INLINE_FILTER" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
      Dimensions: 1024,
      DistanceFunction: "COSINE",
      ...more,
    });
    const table = {
      ...onDemand,
      AttributeDefinitions: [type("id"), type("tenant"), type("year", "N"), type("other")],
      VectorIndexes: [
        vectors("similar", { IndexStatus: "ACTIVE" }),
        vectors("leaving", { IndexStatus: "DELETING" }),
      ],
    };
    for (const settings of ["keys", "all"] as const) {
      const { definition, reports } = tableOf(table, { "table-settings": settings });
      expect(definition["VectorIndexes"]).toEqual([vectors("similar")]);
      expect(definition["AttributeDefinitions"]).toEqual([type("id"), type("tenant"), type("year", "N")]);
      expect(reports["vector-indexes"]).toEqual({ outcome: "reapplied" });
    }
    const none = tableOf(table, { "table-settings": "none" });
    expect(none.definition).not.toHaveProperty("VectorIndexes");
    expect(none.definition["AttributeDefinitions"]).toEqual([type("id")]);
    expect(none.reports["vector-indexes"]?.outcome).toBe("left-out");
    const withUnits = { ...table, ProvisionedThroughput: units(1, 1) };
    const refused = tableOf(withUnits, { "billing-mode": "provisioned" });
    expect(refused.definition).not.toHaveProperty("VectorIndexes");
    expect(refused.reports["vector-indexes"]).toEqual({
      outcome: "refused",
      reason: "DynamoDB has vector indexes only on tables with billing mode on-demand",
    });
    expect(tableOf(onDemand).reports["vector-indexes"]).toEqual({ outcome: "off" });
  });

  test("in another region has AWS's key, and the report says so", () => {
    const { definition, reports } = tableOf(provisioned, { "table-region": "us-west-2" });
    expect(definition["SSESpecification"]).toEqual({ Enabled: true, SSEType: "KMS" });
    expect(reports.encryption).toEqual({
      outcome: "refused",
      reason:
        "the key arn:aws:kms:eu-west-1:111111111111:key/k is not in us-west-2; the table has the key that AWS manages (aws/dynamodb)",
    });
  });
});
