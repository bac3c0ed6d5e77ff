import { type MemoryPorts, memoryPorts } from "@ferry/memory/ports";
import { type MemoryTableAdminOptions, memoryTableAdmin } from "@ferry/memory/table-admin";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  message,
  restoreRequest,
  runTask,
  sliceToEnd,
  source,
} from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import type { FerryEvent, RestorePlan, SegmentWork } from "../events/events.ts";
import type { LateSetting } from "../ports.ts";
import { work } from "../worker.ts";

const SOURCE_ARN = "arn:aws:dynamodb:us-east-1:111111111111:table/cities";
const Table = {
  TableArn: SOURCE_ARN,
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" },
};
const policy = (arn: string) => `{"Statement":[{"Resource":["${arn}","${arn}/index/a"]}]}`;
const all = {
  Table: {
    ...Table,
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    DeletionProtectionEnabled: true,
  },
  TimeToLiveDescription: { TimeToLiveStatus: "ENABLED", AttributeName: "expires" },
  Tags: [
    { Key: "team", Value: "data" },
    { Key: "ferry:restore", Value: "of an earlier restore" },
  ],
  ContinuousBackupsDescription: {
    PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "ENABLED", RecoveryPeriodInDays: 7 },
  },
  ResourcePolicy: policy(SOURCE_ARN),
  KinesisDataStreamDestinations: [{ StreamArn: "arn:aws:kinesis:x", DestinationStatus: "ACTIVE" }],
  ContributorInsightsStatus: "ENABLED",
};
const off = {
  Table: { ...Table, DeletionProtectionEnabled: false },
  TimeToLiveDescription: { TimeToLiveStatus: "DISABLED" },
  Tags: [],
  ContinuousBackupsDescription: {
    PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: "DISABLED" },
  },
  ResourcePolicy: null,
  KinesisDataStreamDestinations: [{ StreamArn: "arn:aws:kinesis:x", DestinationStatus: "DISABLED" }],
  ContributorInsightsStatus: "DISABLED",
};

/** A restore with create-table whose items are all written. */
async function restored(
  settings: object,
  fields: object = {},
  options: Partial<MemoryTableAdminOptions> = {},
): Promise<{ readonly ports: MemoryPorts; readonly segment: SegmentWork }> {
  const { clock, tables } = memoryPorts();
  const admin = memoryTableAdmin(tables, { now: clock.now, ...options });
  const ports = memoryPorts({ clock, tables, admin });
  tables.create(source, { keys: [{ name: "id", type: "S" }], settings: { ...settings } });
  ports.archive.createBucket(bucket);
  tables.put(source, '{"id":{"S":"a"}}');
  await runTask(backupRequest, ports);
  const [segment] = await accepted({ ...restoreRequest, "create-table": true, ...fields }, ports);
  await sliceToEnd(segment!, ports);
  return { ports, segment: segment! };
}

/** The last step, with fields of its continuation. */
async function finish(
  { ports, segment: { task, plan } }: Awaited<ReturnType<typeof restored>>,
  fields: object = {},
): Promise<FerryEvent> {
  const detail = {
    version: 1,
    task,
    attempt: 1,
    "transferred-items": 1,
    "transferred-bytes": (plan as RestorePlan).manifest.bytes,
    plan: { S: JSON.stringify(plan) },
    ...fields,
  };
  const events = await work(message("TaskFinishing", detail, "TaskStepFailed"), {
    ...ports,
    time: ports.clock.invocation(15 * 60_000),
  });
  expect(events).toHaveLength(1);
  return events[0]!;
}

async function settingsOf(run: Awaited<ReturnType<typeof restored>>) {
  const event = await finish(run);
  if (event.type !== "TaskFinished") throw new Error(`not finished: ${JSON.stringify(event)}`);
  return event.detail.settings!;
}

const created = {
  indexes: { outcome: "off" },
  "vector-indexes": { outcome: "off" },
  "billing-mode": { outcome: "reapplied" },
  "table-class": { outcome: "off" },
  encryption: { outcome: "off" },
  "warm-throughput": { outcome: "off" },
};
const reapplied = { outcome: "reapplied" };

describe("the last step of a restore that created its table", () => {
  test("applies every setting after the data, the policy last and for the new table", async () => {
    const run = await restored(all);
    expect(run.ports.admin.settingsOf(destination)).toEqual([]);
    expect(await settingsOf(run)).toEqual({
      ...created,
      stream: reapplied,
      "time-to-live": reapplied,
      "point-in-time-recovery": reapplied,
      "deletion-protection": reapplied,
      tags: reapplied,
      "resource-policy": reapplied,
      "kinesis-streaming": { outcome: "refused", reason: expect.stringContaining("arn:aws:kinesis:x") },
      "contributor-insights": { outcome: "refused", reason: expect.any(String) },
    });
    expect(run.ports.admin.settingsOf(destination)).toEqual([
      { name: "stream", viewType: "NEW_AND_OLD_IMAGES" },
      { name: "time-to-live", attribute: "expires" },
      { name: "point-in-time-recovery", days: 7 },
      { name: "deletion-protection" },
      { name: "tags", tags: { team: "data" } },
      { name: "resource-policy", policy: policy(run.segment.plan.table.arn) },
    ]);
  });

  test("removes the owner at the end, also of a table that gets no tags", async () => {
    for (const settings of [all, off]) {
      const run = await restored(settings);
      const owner = () => run.ports.admin.owner(destination, "");
      expect(await owner()).toBeDefined();
      await finish(run);
      expect(await owner()).toBeUndefined();
    }
  });

  test("reports what the backed-up table did not have", async () => {
    expect(await settingsOf(await restored(off))).toEqual({
      ...created,
      stream: { outcome: "off" },
      "time-to-live": { outcome: "off" },
      "point-in-time-recovery": { outcome: "off" },
      "deletion-protection": { outcome: "off" },
      tags: { outcome: "off" },
      "resource-policy": { outcome: "off" },
      "kinesis-streaming": { outcome: "off" },
      "contributor-insights": { outcome: "off" },
    });
  });

  test("reports what the archive does not have, with the reason", async () => {
    const NotRead = ["ListTagsOfResource", "DescribeContributorInsights"].map((operation) => ({
      operation,
      // The reason is a part of a sentence in the row's notes.
      reason: "AccessDeniedException: not yours.",
    }));
    const settings = await settingsOf(await restored({ Table, NotRead }));
    const unread = {
      outcome: "not-captured",
      reason: "the archive's table.json does not have it: the version of Ferry that wrote it did not read it",
    };
    expect(settings).toEqual({
      ...created,
      stream: { outcome: "off" },
      "deletion-protection": { outcome: "off" },
      "time-to-live": unread,
      "point-in-time-recovery": unread,
      "resource-policy": unread,
      "kinesis-streaming": unread,
      tags: { outcome: "not-captured", reason: "AccessDeniedException: not yours" },
      "contributor-insights": { outcome: "not-captured", reason: "AccessDeniedException: not yours" },
    });
  });

  test.each(["none", "keys"])("applies nothing with table-settings %s, and reports it", async (which) => {
    const run = await restored(all, { "table-settings": which });
    const leftOut = { outcome: "left-out", reason: `the request has table-settings ${which}` };
    expect(await settingsOf(run)).toMatchObject({
      stream: leftOut,
      "time-to-live": leftOut,
      "point-in-time-recovery": leftOut,
      "deletion-protection": leftOut,
      tags: leftOut,
      "resource-policy": leftOut,
      "kinesis-streaming": leftOut,
      "contributor-insights": leftOut,
    });
    expect(run.ports.admin.settingsOf(destination)).toEqual([{ name: "tags", tags: {} }]);
  });

  test("leaves out tags that only AWS may set, and says so", async () => {
    const Tags = [
      { Key: "aws:cloudformation:stack-id", Value: "s" },
      { Key: "team", Value: "data" },
    ];
    const run = await restored({ ...off, Tags });
    expect((await settingsOf(run))["tags"]).toEqual({
      outcome: "reapplied",
      reason: "without aws:cloudformation:stack-id, which only AWS may set",
    });
    expect(run.ports.admin.settingsOf(destination)).toEqual([{ name: "tags", tags: { team: "data" } }]);
  });

  test("reports what a table and its indexes were warmed for, if it is more than what a new table takes", async () => {
    const warm = (ReadUnitsPerSecond: number, WriteUnitsPerSecond: number) => ({
      WarmThroughput: { ReadUnitsPerSecond, WriteUnitsPerSecond, Status: "ACTIVE" },
    });
    const index = (IndexName: string) => ({
      IndexName,
      KeySchema: Table.KeySchema,
      Projection: { ProjectionType: "ALL" },
    });
    const described = {
      ...off.Table,
      ...warm(12_000, 4_000),
      GlobalSecondaryIndexes: [
        { ...index("warmed"), ...warm(12_000, 4_001) },
        { ...index("new"), ...warm(12_000, 4_000) },
      ],
    };
    expect((await settingsOf(await restored({ ...off, Table: described })))["warm-throughput"]).toEqual({
      outcome: "refused",
      reason:
        "AWS charges for warming a table; the backed-up one took at least, for index warmed 12000 reads and 4001 writes a second",
    });
    const larger = { ...described, ...warm(12_001, 4_000) };
    expect(
      (await settingsOf(await restored({ ...off, Table: larger })))["warm-throughput"]?.reason,
    ).toContain("for the table 12001 reads and 4000 writes a second, for index warmed");
  });

  test("reports replicas, and the auto-scaling of a provisioned table", async () => {
    const provisioned = {
      ...off.Table,
      BillingModeSummary: { BillingMode: "PROVISIONED" },
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
      Replicas: [{ RegionName: "eu-west-1" }, { RegionName: "eu-west-2" }],
    };
    expect(await settingsOf(await restored({ ...off, Table: provisioned }))).toMatchObject({
      replicas: { outcome: "refused", reason: expect.stringContaining("in eu-west-1, eu-west-2") },
      "auto-scaling": { outcome: "not-captured" },
    });
  });

  test("is not failed by a setting that is refused: it reports the reason, and applies the others", async () => {
    const refuse = (setting: LateSetting) => {
      if (setting.name !== "time-to-live") return false;
      throw permanent("access-denied", {
        operation: "UpdateTimeToLive",
        resource: "table",
        message: `denied${"x".repeat(300)}.`,
        hint: "Check the role.",
      });
    };
    const settings = await settingsOf(await restored(all, {}, { isPending: refuse }));
    expect(settings["time-to-live"]).toMatchObject({
      outcome: "refused",
      reason: expect.stringMatching(/^deniedx+…$/),
    });
    expect(settings["time-to-live"]!.reason).toHaveLength(300);
    expect(settings["resource-policy"]).toEqual(reapplied);
  });

  test("is repeated by a transient error", async () => {
    const run = await restored(
      all,
      {},
      {
        isPending: () => {
          throw new Error("socket hang up");
        },
      },
    );
    await expect(finish(run)).rejects.toThrow("socket hang up");
  });

  test("waits at most 20 s in an invocation while the table is being changed, and hands off", async () => {
    let pending = 12;
    const run = await restored(
      all,
      {},
      { isPending: ({ name }) => name === "deletion-protection" && pending-- > 0 },
    );
    const { clock, admin } = run.ports;
    const before = clock.now();
    const continued = await finish(run);
    expect(clock.now() - before).toBeLessThanOrEqual(20_000);
    expect(continued).toMatchObject({ type: "TaskFinishing", detail: { "settings-waits": 1 } });
    expect(admin.settingsOf(destination).map(({ name }) => name)).not.toContain("tags");
    expect(await finish(run, continued.detail)).toMatchObject({
      type: "TaskFinished",
      detail: { settings: { "deletion-protection": reapplied, "resource-policy": reapplied } },
    });
  });

  test("reports a setting that stays pending as refused after 60 invocations, and goes on", async () => {
    const run = await restored(all, {}, { isPending: ({ name }) => name === "stream" });
    expect(await finish(run, { "settings-waits": 59 })).toMatchObject({
      type: "TaskFinishing",
      detail: { "settings-waits": 60 },
    });
    expect(await finish(run, { "settings-waits": 60 })).toMatchObject({
      type: "TaskFinished",
      detail: {
        settings: {
          stream: { outcome: "refused", reason: expect.stringContaining("after 20 minutes") },
          "resource-policy": reapplied,
        },
      },
    });
  });

  test("that is repeated applies the same settings, and reports the same", async () => {
    const run = await restored(all);
    const first = await finish(run);
    const settings = run.ports.admin.settingsOf(destination);
    expect(await finish(run)).toEqual(first);
    expect(run.ports.admin.settingsOf(destination)).toEqual(settings);
  });

  test("fails if table.json changed since the table was created", async () => {
    const run = await restored(all);
    run.ports.archive.store(bucket, "backups/one/table.json", new TextEncoder().encode("{}"));
    expect(await finish(run)).toMatchObject({
      type: "TaskStepFailed",
      detail: { cause: "archive-changed" },
    });
  });
});

test("a restore into a table that exists applies and reports no settings", async () => {
  const ports = memoryPorts();
  ports.tables.create(source, { keys: [{ name: "id", type: "S" }], settings: all });
  ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
  ports.archive.createBucket(bucket);
  await runTask(backupRequest, ports);
  const [finished] = await runTask(restoreRequest, ports);
  expect(finished).toMatchObject({ type: "TaskFinished" });
  expect(finished!.detail).not.toHaveProperty("settings");
  expect(ports.admin.settingsOf(destination)).toEqual([]);
});
