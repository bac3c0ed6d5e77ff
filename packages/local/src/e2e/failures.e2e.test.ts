import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { someItems, type TestClient } from "./test-client.ts";
import { sharedHost } from "./test-host.ts";

/** The prefix of the archive that is restored, which is of the table of this name. */
const ARCHIVE = "failures";

let shared: Awaited<ReturnType<typeof sharedHost>>;
let client: TestClient;
beforeAll(async () => {
  shared = await sharedHost();
  client = shared.client;
  await client.createTables(ARCHIVE, someItems(5));
  expect(await client.runTask(client.backupOf(ARCHIVE), "b-failures")).toMatchObject({ state: "succeeded" });
});
afterEach(() => {
  shared.isFailing = undefined;
});

/** Lets the step of a detail-type fail, for the table of this name, or for one of its segments. */
function fail({ type, name, segment }: { type: string; name: string; segment?: number | undefined }): void {
  shared.isFailing = ({ "detail-type": ofEvent, detail }) =>
    ofEvent === type &&
    JSON.stringify(detail).includes(name) &&
    (segment === undefined || (detail as { segment?: number }).segment === segment);
}

describe("given a worker that throws in every attempt, the task ends with the reason", () => {
  test.each([
    ["plan", "TaskRequested", "rejected"],
    ["fan-out", "TaskAccepted", "failed"],
    ["slice", "SegmentQueued", "failed"],
    ["finish", "TaskFinishing", "failed"],
  ])("a backup, in %s", async (step, type, state) => {
    const name = `backup-${step}`;
    await client.createTables(name, someItems(5));
    fail({ type, name });
    const row = await client.runTask({ ...client.backupOf(name), "total-segments": 2 }, `b-${name}`);
    expect(row).toMatchObject({ state });
    expect(row["reasons"][0]).toContain(`attempts-exhausted: ${type} failed until its attempts ran out`);
    expect((await client.keys(name)).some((key) => key.includes("manifest-summary"))).toBe(false);
  });

  test.each([
    ["plan", "TaskRequested", "rejected"],
    ["fan-out", "TaskAccepted", "failed"],
    ["slice", "SegmentQueued", "failed"],
    ["finish", "TaskFinishing", "failed"],
  ])("a restore, in %s", async (step, type, state) => {
    const name = `restore-${step}`;
    await client.createCopy(name);
    fail({ type, name });
    const request = { ...client.restoreOf(name), "bucket-prefix": ARCHIVE };
    const row = await client.runTask(request, `r-${name}`);
    expect(row).toMatchObject({ state });
    expect(row["reasons"][0]).toContain(`attempts-exhausted: ${type}`);
  });
});

describe("given a failed backup", () => {
  test.each([
    ["with one failed segment", "SegmentQueued", 1],
    ["that failed in finish", "TaskFinishing", undefined],
    ["that failed in fan-out", "TaskAccepted", undefined],
  ])("%s, a retry completes it", async (_, type, segment) => {
    const name = `retry-${type.toLowerCase()}`;
    await client.createTables(name, someItems(50));
    fail({ type, name, segment });
    const request = { ...client.backupOf(name), "total-segments": 3 };
    const failed = await client.runTask(request, `b-${name}`);
    expect(failed).toMatchObject({ state: "failed", attempt: 1 });
    shared.isFailing = undefined;
    const { key, timestamp } = failed;
    await client.putEvent("TaskRetryRequested", { task: { action: "backup", key, timestamp } });
    const row = await client.row(request, `b-${name}`, ({ state }) => state === "succeeded");
    expect(row).toMatchObject({ attempt: 2, "transferred-items": 50, "failed-segments": 0, reasons: [] });
    expect(await client.runTask(client.restoreOf(name), `r-${name}`)).toMatchObject({ state: "succeeded" });
    expect(await client.identical(name)).toBe(true);
  });
});

describe("given a cancelled backup", () => {
  test("its segments stop, it ends as cancelled, and a retry completes it", async () => {
    const name = "cancelled";
    await client.createTables(name, someItems(20));
    // No segment can begin before the cancel.
    fail({ type: "SegmentQueued", name });
    const request = { ...client.backupOf(name), "total-segments": 2 };
    await client.putEvent("TaskRequested", { request, "request-id": "b-cancelled" });
    const { key, timestamp } = await client.row(request, "b-cancelled", ({ accepted }) => accepted === true);
    const task = { action: "backup", key, timestamp };
    await client.putEvent("TaskCancelRequested", { task });
    await client.row(request, "b-cancelled", (row) => row["cancelled-attempt"] === 1);
    shared.isFailing = undefined;
    expect(await client.ended(request, "b-cancelled")).toMatchObject({ state: "cancelled" });
    await client.putEvent("TaskRetryRequested", { task });
    const row = await client.row(request, "b-cancelled", ({ state }) => state === "succeeded");
    expect(row).toMatchObject({ attempt: 2, "transferred-items": 20 });
  });
});
