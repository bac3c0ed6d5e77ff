/**
 * An operator deletes a row, and then a late duplicate of its request arrives: the task runs again or is rejected, and always
 * ends.
 */
import { permanent } from "@ferry/core/errors/errors";
import { seeded } from "@ferry/core/hash";
import { isEnded, stateOf } from "@ferry/core/projection/status";
import type { Action } from "@ferry/core/request/task";
import { memoryTables } from "@ferry/memory/tables";
import { backupRequest, destination, restoreRequest, source } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { numberedItems, shuffled, smallCloud } from "../testing/small-cloud.ts";

const ITEMS = 60;
const backup = { ...backupRequest, "total-segments": 3, "batch-bytes": 500 };
const restore = (mode: string) => ({ ...restoreRequest, "total-segments": 3, "restore-mode": mode });

async function requested(action: Action, request: object) {
  let denied = false;
  const inner = memoryTables();
  const error = permanent("access-denied", { operation: "Write", resource: "t", message: "no", hint: "" });
  const guarded =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      denied ? Promise.reject(error) : call(...args);
  const tables = { ...inner, scan: guarded(inner.scan), write: guarded(inner.write) };
  const cloud = smallCloud({ tables });
  inner.put(source, ...numberedItems(ITEMS));
  if (action === "restore") {
    cloud.put("TaskRequested", { request: backup, "request-id": "b" });
    await cloud.run();
  }
  const event = cloud.put("TaskRequested", { request, "request-id": "r" });
  const deleteRows = () => {
    for (const row of cloud.rows(action)) cloud.ports.status.remove(row);
  };
  const deny = (now: boolean) => {
    denied = now;
  };
  const states = () => cloud.rows(action).map(stateOf);
  return { cloud, event, deleteRows, deny, states };
}

const kinds: [string, Action, object][] = [
  ["a backup", "backup", backup],
  ["a restore that merges", "restore", restore("merge")],
];

describe.each(kinds)("given %s", (_, action, request) => {
  test("that succeeded, it succeeds again, and no item is written again", async () => {
    const { cloud, event, deleteRows, states } = await requested(action, request);
    await cloud.run();
    deleteRows();
    if (action === "restore") cloud.ports.tables.remove(destination, { id: { S: "k1" } });
    const objects = cloud.ports.archive.keys({ region: "eu-central-1", name: "archives" }).length;
    cloud.deliver(event);
    await cloud.run();
    expect(states()).toEqual(["succeeded"]);
    expect(cloud.rows(action)).toMatchObject([{ items: ITEMS }]);
    expect(cloud.ports.archive.keys({ region: "eu-central-1", name: "archives" })).toHaveLength(objects);
    if (action === "restore") expect(cloud.ports.tables.items(destination)).toHaveLength(ITEMS - 1);
  });

  test("that failed, it runs again", async () => {
    const { cloud, event, deleteRows, deny, states } = await requested(action, request);
    await cloud.run({ until: () => cloud.rows(action).some((row) => row.accepted) });
    deny(true);
    await cloud.run();
    expect(states()).toEqual(["failed"]);
    deleteRows();
    deny(false);
    cloud.deliver(event);
    await cloud.run();
    expect(states()).toEqual(["succeeded"]);
  });

  test("whose messages became dead letters, it runs again", async () => {
    const { cloud, event, deleteRows, states } = await requested(action, request);
    await cloud.run({ until: () => cloud.rows(action).some((row) => row.accepted) });
    const { get, list } = cloud.ports.archive;
    const down = () => Promise.reject(new Error("no connection"));
    Object.assign(cloud.ports.archive, { get: down, list: down });
    await cloud.run();
    expect(states()).toEqual(["failed"]);
    Object.assign(cloud.ports.archive, { get, list });
    deleteRows();
    cloud.deliver(event);
    await cloud.run();
    expect(states()).toEqual(["succeeded"]);
  });

  test("that was cancelled, it runs again", async () => {
    const { cloud, event, deleteRows, states } = await requested(action, request);
    await cloud.run({ until: () => cloud.rows(action).some((row) => row.accepted) });
    const { key, timestamp } = cloud.rows(action)[0]!;
    cloud.put("TaskCancelRequested", { task: { action, key, timestamp } });
    await cloud.run({
      pick: (waiting) =>
        Math.max(
          0,
          waiting.findIndex(({ queue }) => queue === "projection-queue"),
        ),
    });
    expect(states()).toEqual(["cancelled"]);
    deleteRows();
    cloud.deliver(event);
    await cloud.run();
    expect(states()).toEqual(["succeeded"]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("that is in progress, it still ends: order %i", async (seed) => {
    const { cloud, event, deleteRows, states } = await requested(action, request);
    const random = seeded(seed);
    const steps = Math.floor(random() * 40);
    let step = 0;
    await cloud.run({ pick: shuffled(random), until: () => step++ >= steps });
    deleteRows();
    await cloud.run({ pick: shuffled(random) });
    cloud.deliver(event);
    await cloud.run({ pick: shuffled(random) });
    expect(states()).toEqual(["succeeded"]);
    expect(cloud.rows(action)).toMatchObject([{ items: ITEMS }]);
  });
});

test("given a restore into an empty table that succeeded, the duplicate is rejected: the table is not empty", async () => {
  const { cloud, event, deleteRows, states } = await requested("restore", restore("empty-only"));
  await cloud.run();
  deleteRows();
  cloud.deliver(event);
  await cloud.run();
  expect(states().every((state) => isEnded(state))).toBe(true);
  expect(states()).toEqual(["rejected"]);
  expect(cloud.rows("restore")[0]?.reasons[0]?.cause).toBe("table-not-empty");
});
