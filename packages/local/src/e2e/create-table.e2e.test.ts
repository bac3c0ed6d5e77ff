import { beforeAll, expect, test } from "vitest";
import { createSettledTable, describedIn, NAME, otherSettingsIn } from "./settled-table.ts";
import { someItems, type TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

let client: TestClient;
beforeAll(async () => {
  ({ client } = await sharedHost());
});

const SOURCE = "us-east-1";
const COPY = "eu-west-1";

async function settingsIn(region: string) {
  const { arn, ...described } = await describedIn(region);
  return { ...described, ...(await otherSettingsIn(region, arn)) };
}

test("a backed-up table comes back whole in another region, where no table was", async () => {
  await createSettledTable({ isWhole: true });
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
    "vector-indexes": { outcome: "off" },
    "billing-mode": reapplied,
    "table-class": reapplied,
    encryption: { outcome: "off" },
    "auto-scaling": { outcome: "not-captured", reason: expect.any(String) },
    "warm-throughput": { outcome: "off" },
    "kinesis-streaming": { outcome: "off" },
    "contributor-insights": { outcome: "off" },
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
