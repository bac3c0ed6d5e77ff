import { afterAll, expect, test } from "vitest";
import { createDynamoDb } from "./dynamodb.ts";
import { withTableSettings } from "./table-settings.ts";

const REGION = "eu-west-1";
const dynamodb = createDynamoDb();
const handle = withTableSettings(dynamodb.handle);
const TableName = "settled";
const definition = {
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  BillingMode: "PAY_PER_REQUEST",
};

/** The status of the reply, and its body. */
async function call(operation: string, input: object) {
  const reply = await handle(REGION, {
    method: "POST",
    url: "/",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      "x-amz-date": "20000101T000000Z",
      authorization: `AWS4-HMAC-SHA256 Credential=local/20000101/${REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: Buffer.from(JSON.stringify(input)),
  });
  return { status: reply.status, body: JSON.parse(reply.body) };
}
const refused = (type: string) => ({
  status: 400,
  body: { __type: expect.stringMatching(new RegExp(`#${type}$`)) },
});
const active = () =>
  expect
    .poll(async () => (await call("DescribeTable", { TableName })).body.Table?.TableStatus)
    .toBe("ACTIVE");

afterAll(() => call("DeleteTable", { TableName }));

test("a table's settings are described as they were set, and protect it", async () => {
  expect(await call("UpdateTimeToLive", { TableName })).toMatchObject(refused("ResourceNotFoundException"));
  await call("CreateTable", {
    TableName,
    ...definition,
    TableClass: "STANDARD",
    DeletionProtectionEnabled: true,
  });
  await active();
  expect((await call("DescribeTable", { TableName })).body.Table).toMatchObject({
    TableClassSummary: { TableClass: "STANDARD" },
    DeletionProtectionEnabled: true,
  });
  expect(await call("DeleteTable", { TableName })).toMatchObject(refused("ValidationException"));

  const TimeToLiveSpecification = { Enabled: true, AttributeName: "expires" };
  expect((await call("UpdateTimeToLive", { TableName, TimeToLiveSpecification })).status).toBe(200);
  expect(await call("UpdateTimeToLive", { TableName, TimeToLiveSpecification })).toMatchObject(
    refused("ValidationException"),
  );
  expect((await call("DescribeTimeToLive", { TableName })).body).toEqual({
    TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
  });

  const StreamSpecification = { StreamEnabled: true, StreamViewType: "KEYS_ONLY" };
  const updated = await call("UpdateTable", { TableName, StreamSpecification });
  expect(updated.body.TableDescription).toMatchObject({
    StreamSpecification,
    DeletionProtectionEnabled: true,
  });
  expect(await call("UpdateTable", { TableName, StreamSpecification })).toMatchObject(
    refused("ValidationException"),
  );

  const ResourceArn = updated.body.TableDescription.TableArn;
  expect(await call("GetResourcePolicy", { ResourceArn })).toMatchObject(refused("PolicyNotFoundException"));
  await call("PutResourcePolicy", { ResourceArn, Policy: "{}" });
  expect((await call("GetResourcePolicy", { ResourceArn })).body.Policy).toBe("{}");

  await call("UpdateTable", { TableName, DeletionProtectionEnabled: false });
  expect((await call("DeleteTable", { TableName })).status).toBe(200);
});

test("a table that is created again has no settings of the one before", async () => {
  await expect.poll(async () => (await call("DescribeTable", { TableName })).status).toBe(400);
  await call("CreateTable", { TableName, ...definition });
  await active();
  expect((await call("DescribeTimeToLive", { TableName })).body).toEqual({
    TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" },
  });
  expect((await call("DescribeTable", { TableName })).body.Table).toMatchObject({
    DeletionProtectionEnabled: false,
  });
});
