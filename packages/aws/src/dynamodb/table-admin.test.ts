import type { LateSetting, TableAdmin } from "@ferry/core/ports";
import { afterEach, describe, expect, it } from "vitest";
import { REGION, rawClient } from "../testing/dynamodb.ts";
import { type Stub, startStub } from "../testing/stub-server.ts";
import { tableAdmin } from "./table-admin.ts";

const table = { region: REGION, name: "orders" };
const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders";
type Answer = object | { readonly refused: string };

/** The adapters on a server that records the calls and gives each operation its answer. */
describe("the settings of a table on DynamoDB", () => {
  let stub: Stub;
  afterEach(() => stub.close());

  async function answering(answers: Readonly<Record<string, Answer>> = {}): Promise<TableAdmin> {
    stub = await startStub(({ headers }) => {
      const answer = answers[operationOf(headers)] ?? {};
      if (!("refused" in answer)) return { body: JSON.stringify(answer) };
      return { status: 400, body: JSON.stringify({ __type: answer.refused, message: "not now" }) };
    });
    const client = rawClient(stub.endpoint);
    return tableAdmin(() => client);
  }
  const calls = () =>
    stub.requests.map(({ headers, body }) => [operationOf(headers), JSON.parse(body.toString())]);
  const applied = async (setting: LateSetting, answers?: Readonly<Record<string, Answer>>) =>
    (await answering(answers)).apply(table, arn, setting);

  it("are applied with one change each", async () => {
    expect(await applied({ name: "stream", viewType: "NEW_IMAGE" })).toBe("applied");
    expect(calls()).toEqual([
      ["DescribeTable", { TableName: "orders" }],
      [
        "UpdateTable",
        { TableName: "orders", StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_IMAGE" } },
      ],
    ]);
    await stub.close();
    expect(await applied({ name: "deletion-protection" })).toBe("applied");
    expect(calls()[1]).toEqual(["UpdateTable", { TableName: "orders", DeletionProtectionEnabled: true }]);
    await stub.close();
    expect(await applied({ name: "time-to-live", attribute: "expires" })).toBe("applied");
    expect(calls()).toEqual([
      ["DescribeTimeToLive", { TableName: "orders" }],
      [
        "UpdateTimeToLive",
        { TableName: "orders", TimeToLiveSpecification: { Enabled: true, AttributeName: "expires" } },
      ],
    ]);
    await stub.close();
    expect(await applied({ name: "point-in-time-recovery", days: 7 })).toBe("applied");
    const recovery = { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 };
    expect(calls()).toEqual([
      ["UpdateContinuousBackups", { TableName: "orders", PointInTimeRecoverySpecification: recovery }],
    ]);
    await stub.close();
    expect(await applied({ name: "resource-policy", policy: '{"Statement":[]}' })).toBe("applied");
    expect(calls()).toEqual([["PutResourcePolicy", { ResourceArn: arn, Policy: '{"Statement":[]}' }]]);
  });

  it("that the table has are not changed: DynamoDB would refuse it", async () => {
    const StreamSpecification = { StreamEnabled: true, StreamViewType: "NEW_IMAGE" };
    const Table = { StreamSpecification, DeletionProtectionEnabled: true };
    expect(await applied({ name: "stream", viewType: "NEW_IMAGE" }, { DescribeTable: { Table } })).toBe(
      "applied",
    );
    expect(calls()).toHaveLength(1);
    await stub.close();
    expect(await applied({ name: "deletion-protection" }, { DescribeTable: { Table } })).toBe("applied");
    expect(calls()).toHaveLength(1);
    for (const TimeToLiveStatus of ["ENABLED", "ENABLING"]) {
      await stub.close();
      const TimeToLiveDescription = { TimeToLiveStatus, AttributeName: "expires" };
      const answers = { DescribeTimeToLive: { TimeToLiveDescription } };
      expect(await applied({ name: "time-to-live", attribute: "expires" }, answers)).toBe("applied");
      expect(calls()).toHaveLength(1);
    }
  });

  it("that the table has in another form are changed", async () => {
    const StreamSpecification = { StreamEnabled: true, StreamViewType: "KEYS_ONLY" };
    await applied(
      { name: "stream", viewType: "NEW_IMAGE" },
      { DescribeTable: { Table: { StreamSpecification } } },
    );
    expect(calls()).toHaveLength(2);
    await stub.close();
    const TimeToLiveDescription = { TimeToLiveStatus: "DISABLED", AttributeName: "expires" };
    await applied(
      { name: "time-to-live", attribute: "expires" },
      { DescribeTimeToLive: { TimeToLiveDescription } },
    );
    expect(calls()).toHaveLength(2);
  });

  it("with tags lose the owner first, since a table has at most 50", async () => {
    expect(await applied({ name: "tags", tags: { team: "data", empty: "" } })).toBe("applied");
    expect(calls()).toEqual([
      ["UntagResource", { ResourceArn: arn, TagKeys: ["ferry:restore"] }],
      [
        "TagResource",
        {
          ResourceArn: arn,
          Tags: [
            { Key: "team", Value: "data" },
            { Key: "empty", Value: "" },
          ],
        },
      ],
    ]);
    await stub.close();
    await applied({ name: "tags", tags: {} });
    expect(calls()).toHaveLength(1);
  });

  it("lose no owner on an engine without tags, which has none", async () => {
    const answers = { UntagResource: { refused: "UnknownOperationException" } };
    expect(await applied({ name: "tags", tags: {} }, answers)).toBe("applied");
    await stub.close();
    const both = { ...answers, TagResource: { refused: "UnknownOperationException" } };
    await expect(applied({ name: "tags", tags: { a: "b" } }, both)).rejects.toMatchObject({
      kind: "permanent",
      operation: "TagResource",
    });
  });

  it.each([
    ["UpdateTable", "ResourceInUseException", { name: "stream", viewType: "NEW_IMAGE" }],
    ["UpdateTable", "ResourceInUseException", { name: "deletion-protection" }],
    ["UpdateTimeToLive", "ResourceInUseException", { name: "time-to-live", attribute: "expires" }],
    ["UpdateContinuousBackups", "ContinuousBackupsUnavailableException", { name: "point-in-time-recovery" }],
    ["UntagResource", "ResourceInUseException", { name: "tags", tags: { a: "b" } }],
    ["TagResource", "ResourceInUseException", { name: "tags", tags: { a: "b" } }],
    ["PutResourcePolicy", "ResourceInUseException", { name: "resource-policy", policy: "{}" }],
  ] as const)("are pending if %s answers %s", async (operation, refused, setting) => {
    expect(await applied(setting, { [operation]: { refused } })).toBe("pending");
    expect(calls().at(-1)?.[0]).toBe(operation);
  });

  it("that are refused give a permanent error", async () => {
    const refused = applied(
      { name: "time-to-live", attribute: "expires" },
      { UpdateTimeToLive: { refused: "AccessDeniedException" } },
    );
    await expect(refused).rejects.toMatchObject({
      kind: "permanent",
      code: "access-denied",
      operation: "UpdateTimeToLive",
      resource: "table orders in eu-west-1",
    });
  });

  it("have no owner on an engine without tags", async () => {
    const admin = await answering({ ListTagsOfResource: { refused: "UnknownOperationException" } });
    expect(await admin.owner(table, arn)).toBeUndefined();
  });
});

function operationOf(headers: Readonly<Record<string, unknown>>): string {
  return String(headers["x-amz-target"]).split(".")[1]!;
}
