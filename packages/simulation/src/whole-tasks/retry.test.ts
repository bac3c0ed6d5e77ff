/**
 * A retry begins one attempt, even if it is delivered several times and the row is late.
 */
import { permanent } from "@ferry/core/errors/errors";
import { stateOf, type TaskRow } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/request/task";
import { memoryTables } from "@ferry/memory/tables";
import { backupRequest, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { numberedItems, onlyFrom, type Pick, type SmallCloud, smallCloud } from "../testing/small-cloud.ts";

const taskOf = ({ action, key, timestamp }: TaskRow) => ({ task: { action, key, timestamp } });
const rowOf = (cloud: SmallCloud, action: Action) => cloud.rows(action)[0]!;
/** The projector processes its messages before the workers, or not at all. */
const rowsFirst: Pick = (waiting) => Math.max(0, onlyFrom("projection-queue")(waiting));
const workersOnly: Pick = (waiting) => waiting.findIndex(({ queue }) => queue !== "projection-queue");

/** A cloud whose source cannot be scanned until `allow` is called, and a backup of two segments that failed for it. */
async function deniedBackup() {
  let denied = true;
  const inner = memoryTables();
  const error = permanent("access-denied", { operation: "Scan", resource: "t", message: "no", hint: "" });
  const tables: typeof inner = {
    ...inner,
    scan: (page) => (denied ? Promise.reject(error) : inner.scan(page)),
  };
  const cloud = smallCloud({ tables });
  inner.put(source, ...numberedItems(20));
  cloud.put("TaskRequested", { request: { ...backupRequest, "total-segments": 2 }, "request-id": "r" });
  await cloud.run();
  expect(stateOf(rowOf(cloud, "backup"))).toBe("failed");
  const allow = () => {
    denied = false;
  };
  return { cloud, allow, ...taskOf(rowOf(cloud, "backup")) };
}

const accepted = (cloud: SmallCloud) =>
  cloud.events
    .filter((event) => event["detail-type"] === "TaskAccepted")
    .map(({ detail }) => (detail as { attempt: number }).attempt);

describe("a retry that is delivered again", () => {
  test.each([
    ["names no attempt", {}],
    ["names its attempt", { attempt: 1 }],
  ])("and %s does not undo a later cancel", async (_, attempt) => {
    const cloud = smallCloud();
    cloud.ports.tables.put(source, ...numberedItems(60));
    cloud.put("TaskRequested", { request: { ...backupRequest, "batch-bytes": 500 }, "request-id": "b" });
    await cloud.run();
    const request = { ...restoreRequest, "restore-mode": "merge", "total-segments": 3 };
    cloud.put("TaskRequested", { request, "request-id": "r" });
    await cloud.run({ until: () => cloud.rows("restore").some((row) => stateOf(row) === "running") });
    const ofTask = taskOf(rowOf(cloud, "restore"));
    cloud.put("TaskCancelRequested", { ...ofTask, attempt: 1 });
    await cloud.run({ pick: rowsFirst });
    const retry = cloud.put("TaskRetryRequested", { ...ofTask, ...attempt });
    await cloud.run({ until: () => rowOf(cloud, "restore").attempt === 2 });
    cloud.put("TaskCancelRequested", { ...ofTask, attempt: 2 });
    await cloud.run({ pick: rowsFirst });
    expect(stateOf(rowOf(cloud, "restore"))).toBe("cancelled");
    const held = cloud.ports.tables.items(destination).length;

    cloud.deliver(retry);
    await cloud.run();
    expect(rowOf(cloud, "restore")).toMatchObject({ attempt: 2, cancelledAttempt: 2 });
    expect(stateOf(rowOf(cloud, "restore"))).toBe("cancelled");
    expect(cloud.ports.tables.items(destination)).toHaveLength(held);
  });

  test("before the row shows its attempt begins no second attempt", async () => {
    const { cloud, allow, task } = await deniedBackup();
    allow();
    const retry = cloud.put("TaskRetryRequested", { task });
    await cloud.run({ pick: workersOnly });
    cloud.deliver(retry);
    await cloud.run({ pick: workersOnly });
    await cloud.run();
    expect(new Set(accepted(cloud))).toEqual(new Set([1, 2]));
    expect(rowOf(cloud, "backup")).toMatchObject({ finished: true, attempt: 2, items: 20 });
  });

  test("after the task succeeded puts no event", async () => {
    const { cloud, allow, task } = await deniedBackup();
    allow();
    const retry = cloud.put("TaskRetryRequested", { task });
    await cloud.run();
    const before = cloud.events.length;
    cloud.deliver(retry);
    await cloud.run();
    expect(cloud.events).toHaveLength(before);
  });
});

describe("a retry while the projector lags", () => {
  test.each([
    ["names no attempt", {}, {}],
    ["names its attempt", { attempt: 1 }, { attempt: 2 }],
  ])("and %s begins the attempt after the last that was begun", async (_, first, second) => {
    const { cloud, allow, task } = await deniedBackup();
    cloud.put("TaskRetryRequested", { task, ...first });
    await cloud.run({ pick: workersOnly });
    // It failed again, and the row does not show it yet.
    expect(rowOf(cloud, "backup").attempt).toBe(1);
    allow();
    cloud.put("TaskRetryRequested", { task, ...second });
    await cloud.run({ pick: workersOnly });
    expect(accepted(cloud)).toEqual([1, 2, 3]);
    await cloud.run();
    expect(rowOf(cloud, "backup")).toMatchObject({ finished: true, attempt: 3, items: 20 });
  });

  test("of an attempt that another retry has already followed does nothing", async () => {
    const { cloud, allow, task } = await deniedBackup();
    allow();
    cloud.put("TaskRetryRequested", { task, attempt: 1 });
    cloud.put("TaskRetryRequested", { task, attempt: 1 });
    await cloud.run({ pick: workersOnly });
    await cloud.run();
    expect(rowOf(cloud, "backup")).toMatchObject({ finished: true, attempt: 2 });
    cloud.put("TaskRetryRequested", { task, attempt: 1 });
    const before = cloud.events.length;
    await cloud.run();
    expect(cloud.events).toHaveLength(before);
  });
});

test("a retry of an attempt that does not exist is refused", async () => {
  const { cloud, task } = await deniedBackup();
  cloud.put("TaskRetryRequested", { task, attempt: 7 });
  await cloud.run();
  expect(cloud.events.at(-1)).toMatchObject({
    "detail-type": "TaskControlRefused",
    detail: { control: "retry", cause: "not-retryable", reason: expect.stringContaining("attempt 7") },
  });
  expect(accepted(cloud)).toEqual([1]);
});

test("a retry that crashes at any call still begins one attempt", async () => {
  for (let calls = 0; ; calls++) {
    const { cloud, allow, task } = await deniedBackup();
    allow();
    let left = calls;
    let crashed = false;
    const registry = Object.fromEntries(
      Object.entries(cloud.ports.registry).map(([name, method]) => [
        name,
        async (...args: never[]) => {
          const answer = await (method as (...args: never[]) => Promise<unknown>)(...args);
          if (left-- !== 0) return answer;
          crashed = true;
          throw new Error("crashed");
        },
      ]),
    );
    const crashing = Object.assign(cloud.ports, { registry });
    expect(crashing.registry).toBe(registry);
    cloud.put("TaskRetryRequested", { task });
    await cloud.run();
    expect(rowOf(cloud, "backup")).toMatchObject({ finished: true, attempt: 2, items: 20 });
    if (!crashed) break;
  }
});
