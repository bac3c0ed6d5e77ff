import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { createTestClient, someItems, type TestClient } from "./test-client.ts";
import { startOwnHost } from "./test-host.ts";

let host: Host;
let client: TestClient;
/** The detail-type whose step fails, and the table for which it fails. */
let failing: { type: string; name: string; segment?: number } | undefined;

beforeAll(async () => {
  host = await startOwnHost({
    settings: { retryDelaySeconds: 0 },
    log: () => {},
    wrap: (consumer, handler) =>
      consumer === "projection"
        ? handler
        : (event, context) => {
            if (failing !== undefined && event.Records.some(({ body }) => fails(JSON.parse(body).event)))
              throw new Error("the worker crashed");
            return handler(event, context);
          },
  });
  client = await createTestClient(host);
});
afterAll(() => host?.stop());
afterEach(() => {
  failing = undefined;
});

function fails(event: { "detail-type": string; detail: { segment?: number } }): boolean {
  return (
    event["detail-type"] === failing?.type &&
    JSON.stringify(event.detail).includes(failing.name) &&
    (failing.segment === undefined || event.detail.segment === failing.segment)
  );
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
    failing = { type, name };
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
    await client.createTables(name, someItems(5));
    expect(await client.runTask(client.backupOf(name), `b-${name}`)).toMatchObject({ state: "succeeded" });
    failing = { type, name };
    const row = await client.runTask(client.restoreOf(name), `r-${name}`);
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
    failing = { type, name, ...(segment !== undefined && { segment }) };
    const request = { ...client.backupOf(name), "total-segments": 3 };
    const failed = await client.runTask(request, `b-${name}`);
    expect(failed).toMatchObject({ state: "failed", attempt: 1 });
    failing = undefined;
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
    failing = { type: "SegmentQueued", name };
    const request = { ...client.backupOf(name), "total-segments": 2 };
    await client.putEvent("TaskRequested", { request, "request-id": "b-cancelled" });
    const { key, timestamp } = await client.row(request, "b-cancelled", ({ accepted }) => accepted === true);
    const task = { action: "backup", key, timestamp };
    await client.putEvent("TaskCancelRequested", { task });
    await client.row(request, "b-cancelled", (row) => row["cancelled-attempt"] === 1);
    failing = undefined;
    expect(await client.ended(request, "b-cancelled")).toMatchObject({ state: "cancelled" });
    await client.putEvent("TaskRetryRequested", { task });
    const row = await client.row(request, "b-cancelled", ({ state }) => state === "succeeded");
    expect(row).toMatchObject({ attempt: 2, "transferred-items": 20 });
  });
});
