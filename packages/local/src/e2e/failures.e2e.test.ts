import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Host, startHost } from "../host.ts";
import { someItems, type User, userOf } from "./test-client.ts";

let host: Host;
let user: User;
/** The detail-type whose step fails, and for which table. */
let failing: { type: string; name: string; segment?: number } | undefined;

beforeAll(async () => {
  host = await startHost({
    settings: { retryDelaySeconds: 0 },
    log: () => {},
    wrap: (consumer, handler) =>
      consumer === "projection"
        ? handler
        : (event, context) => {
            if (failing !== undefined && event.Records.some(({ body }) => fails(JSON.parse(body).event)))
              throw new Error("the worker fell over");
            return handler(event, context);
          },
  });
  user = await userOf(host);
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

describe("given a worker that throws until its attempts run out, then the task ends with the reason", () => {
  test.each([
    ["plan", "TaskRequested", "rejected"],
    ["spread", "TaskAccepted", "failed"],
    ["slice", "SegmentQueued", "failed"],
    ["finish", "TaskFinishing", "failed"],
  ])("a backup, in %s", async (step, type, state) => {
    const name = `backup-${step}`;
    await user.createTables(name, someItems(5));
    failing = { type, name };
    const row = await user.ask({ ...user.backupOf(name), "total-segments": 2 }, `b-${name}`);
    expect(row).toMatchObject({ state });
    expect(row["reasons"][0]).toContain(`attempts-exhausted: ${type} failed until its attempts ran out`);
    expect((await user.keys(name)).some((key) => key.includes("manifest-summary"))).toBe(false);
  });

  test.each([
    ["plan", "TaskRequested", "rejected"],
    ["spread", "TaskAccepted", "failed"],
    ["slice", "SegmentQueued", "failed"],
    ["finish", "TaskFinishing", "failed"],
  ])("a restore, in %s", async (step, type, state) => {
    const name = `restore-${step}`;
    await user.createTables(name, someItems(5));
    expect(await user.ask(user.backupOf(name), `b-${name}`)).toMatchObject({ state: "succeeded" });
    failing = { type, name };
    const row = await user.ask(user.restoreOf(name), `r-${name}`);
    expect(row).toMatchObject({ state });
    expect(row["reasons"][0]).toContain(`attempts-exhausted: ${type}`);
  });
});

describe("given a failed backup", () => {
  test.each([
    ["of which one segment failed", "SegmentQueued", 1],
    ["that could not be finished", "TaskFinishing", undefined],
    ["that could not be spread", "TaskAccepted", undefined],
  ])("%s, when it is retried, then it succeeds and is whole", async (_, type, segment) => {
    const name = `retry-${type.toLowerCase()}`;
    await user.createTables(name, someItems(50));
    failing = { type, name, ...(segment !== undefined && { segment }) };
    const request = { ...user.backupOf(name), "total-segments": 3 };
    const failed = await user.ask(request, `b-${name}`);
    expect(failed).toMatchObject({ state: "failed", attempt: 1 });
    failing = undefined;
    const { key, timestamp } = failed;
    await user.putEvent("TaskRetryRequested", { task: { action: "backup", key, timestamp } });
    const row = await user.row(request, `b-${name}`, ({ state }) => state === "succeeded");
    expect(row).toMatchObject({ attempt: 2, "transferred-items": 50, "failed-segments": 0, reasons: [] });
    expect(await user.ask(user.restoreOf(name), `r-${name}`)).toMatchObject({ state: "succeeded" });
    expect(await user.identical(name)).toBe(true);
  });
});

describe("given a backup that is cancelled", () => {
  test("then its segments stop and it ends as cancelled, and a retry completes it", async () => {
    const name = "cancelled";
    await user.createTables(name, someItems(20));
    // Its segments cannot begin before it is cancelled.
    failing = { type: "SegmentQueued", name };
    const request = { ...user.backupOf(name), "total-segments": 2 };
    await user.putEvent("TaskRequested", { request, "request-id": "b-cancelled" });
    const { key, timestamp } = await user.row(request, "b-cancelled", ({ accepted }) => accepted === true);
    const task = { action: "backup", key, timestamp };
    await user.putEvent("TaskCancelRequested", { task });
    await user.row(request, "b-cancelled", ({ cancelledAttempt }) => cancelledAttempt === 1);
    failing = undefined;
    expect(await user.ended(request, "b-cancelled")).toMatchObject({ state: "cancelled" });
    await user.putEvent("TaskRetryRequested", { task });
    const row = await user.row(request, "b-cancelled", ({ state }) => state === "succeeded");
    expect(row).toMatchObject({ attempt: 2, "transferred-items": 20 });
  });
});
