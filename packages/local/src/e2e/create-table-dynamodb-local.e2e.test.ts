/** A backup and a restore into a new table, both in DynamoDB Local, AWS's own engine. */
import {
  type DynamoDbLocal,
  prepareDynamoDbLocal,
  startDynamoDbLocal,
} from "@ferry/contracts/start-dynamodb-local";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { createSettledTable, describedIn, NAME } from "./settled-table.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";
import { startOwnHost } from "./test-host.ts";

const problem = prepareDynamoDbLocal();

if (problem !== undefined)
  test.skip(`a table of DynamoDB Local did not come back in a new one: ${problem}`, () => {});
else {
  let engine: DynamoDbLocal | undefined;
  let host: Host | undefined;
  let client: TestClient;
  beforeAll(async () => {
    engine = await startDynamoDbLocal();
    host = await startOwnHost({ settings: { retryDelaySeconds: 0 }, otherDynamoDb: engine.endpoint });
    client = await createTestClient(host);
  });
  afterAll(async () => {
    await host?.stop();
    engine?.stop();
  });

  test("a table of DynamoDB Local comes back whole in a new one, as far as the engine has its settings", async () => {
    await createSettledTable({ isWhole: false });
    const items = someItems(200).map((item, n) => ({ ...item, sort: { N: String(n) } }));
    await client.put("us-east-1", NAME, items);
    const backup = await client.runTask(client.backupOf(NAME), "b-settled");
    expect(backup).toMatchObject({ state: "succeeded", "transferred-items": 200 });

    const request = { ...client.restoreOf(NAME), "create-table": true };
    const restore = await client.runTask(request, "r-settled");
    expect(restore).toMatchObject({ state: "succeeded", "transferred-items": 200, reasons: [] });
    expect(await client.identical(NAME)).toBe(true);
    const { arn: _, ...settings } = await describedIn("us-east-1");
    const { arn: __, ...copied } = await describedIn("eu-west-1");
    expect(copied).toEqual(settings);
    expect(settings).toMatchObject({
      timeToLive: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
      described: {
        DeletionProtectionEnabled: true,
        StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
        ProvisionedThroughput: { ReadCapacityUnits: 5000, WriteCapacityUnits: 6000 },
      },
    });
    const reapplied = { outcome: "reapplied" };
    const notCaptured = { outcome: "not-captured", reason: expect.any(String) };
    expect(restore["settings"]).toEqual({
      indexes: reapplied,
      "vector-indexes": { outcome: "off" },
      "billing-mode": reapplied,
      // The engine does not describe a table's class.
      "table-class": { outcome: "off" },
      encryption: { outcome: "off" },
      "warm-throughput": { outcome: "off" },
      "kinesis-streaming": notCaptured,
      "contributor-insights": notCaptured,
      stream: reapplied,
      "time-to-live": reapplied,
      "deletion-protection": reapplied,
      "auto-scaling": notCaptured,
      "point-in-time-recovery": notCaptured,
      "resource-policy": notCaptured,
      tags: {
        outcome: "not-captured",
        reason: expect.stringContaining("Tagging is not currently supported in DynamoDB Local"),
      },
    });
  });
}
