import { createHash } from "node:crypto";
import type { TaskRef } from "@ferry/core/request/task";
import { someTask } from "@ferry/memory/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scriptedUpdate, startWorkerTable, type TestWorkerTable } from "../testing/worker-table.ts";
import { taskRegistry } from "./task-registry.ts";

const NOW_MS = 1_793_498_400_001;
/** 45 days later, rounded up to a second. */
const EXPIRES = 1_793_498_401 + 45 * 24 * 3600;
let table: TestWorkerTable;
let nowMs: number;
const registryNow = () => taskRegistry(table.update, () => nowMs);
beforeAll(async () => {
  nowMs = NOW_MS;
  table = await startWorkerTable();
});
afterAll(() => table.close());

let made = 0;
const fresh = () => `${++made}`;
const freshTask = () => someTask(`us-east-1-registered-${fresh()}`);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Runs `run` a day later. */
async function aDayLater<T>(run: () => Promise<T>): Promise<T> {
  nowMs += 24 * 3600 * 1000;
  try {
    return await run();
  } finally {
    nowMs = NOW_MS;
  }
}

describe("a request in the registry", () => {
  const first = { digest: "d-1", timeMs: 5 };
  const second = { digest: "d-2", timeMs: 6 };

  it("is the first that was registered with its request-id", async () => {
    const id = fresh();
    const registry = registryNow();
    expect(await registry.findRequest(id)).toBeUndefined();
    expect(await registry.registerRequest(id, first)).toEqual(first);
    expect(await table.read(`request ${id}`)).toEqual({ digest: "d-1", time: 5, expires: EXPIRES });
    expect(await registry.registerRequest(id, second)).toEqual(first);
    expect(await registry.findRequest(id)).toEqual(first);
    expect(await registry.findRequest(fresh())).toBeUndefined();
  });

  it("expires 45 days after it was last found or registered again", async () => {
    const id = fresh();
    await registryNow().registerRequest(id, first);
    await aDayLater(() => registryNow().findRequest(id));
    expect(await table.read(`request ${id}`)).toMatchObject({ expires: EXPIRES + 24 * 3600 });
    await registryNow().registerRequest(id, second);
    expect(await table.read(`request ${id}`)).toEqual({ digest: "d-1", time: 5, expires: EXPIRES });
  });

  it("that expires between the two updates is registered again, in ten tries at most", async () => {
    const late = scriptedUpdate(undefined, undefined, {});
    expect(await taskRegistry(late.update).registerRequest("r", first)).toEqual(first);
    expect(late.updates).toHaveLength(3);
    const never = scriptedUpdate();
    await expect(taskRegistry(never.update).registerRequest("r", first)).rejects.toThrow("request r changed");
    expect(never.updates).toHaveLength(20);
  });
});

describe("a row in the registry", () => {
  const rowOf = (key: string, action: "backup" | "restore" = "backup") => ({ action, key, timestamp: 7 });

  it("belongs to the first that claims it", async () => {
    const row = rowOf(fresh());
    const registry = registryNow();
    expect(await registry.isClaimed(row)).toBe(false);
    expect(await registry.claimRow(row, "a")).toBe(true);
    expect(await registry.isClaimed(row)).toBe(true);
    expect(await registry.claimRow(row, "b")).toBe(false);
    expect(await registry.claimRow(row, "a")).toBe(true);
    expect(await table.read(`row backup ${sha256(row.key)} 7`)).toEqual({ owner: "a", expires: EXPIRES });
  });

  it("is not that of another key, timestamp or action", async () => {
    const row = rowOf(fresh());
    const registry = registryNow();
    await registry.claimRow(row, "a");
    for (const other of [{ ...row, timestamp: 8 }, rowOf(row.key, "restore"), rowOf(fresh())]) {
      expect(await registry.isClaimed(other)).toBe(false);
      expect(await registry.claimRow(other, "b")).toBe(true);
    }
  });

  it("is kept for 45 days after its owner's last claim", async () => {
    const row = rowOf(fresh());
    await registryNow().claimRow(row, "a");
    await aDayLater(() => registryNow().claimRow(row, "a"));
    expect(await table.read(`row backup ${sha256(row.key)} 7`)).toMatchObject({
      expires: EXPIRES + 24 * 3600,
    });
  });
});

describe("an attempt in the registry", () => {
  it("only rises", async () => {
    const task = freshTask();
    const registry = registryNow();
    expect(await registry.raiseAttempt(task, 2)).toBe(2);
    expect(await registry.raiseAttempt(task, 1)).toBe(2);
    expect(await registry.raiseAttempt(task, 2)).toBe(2);
    expect(await registry.raiseAttempt(task, 3)).toBe(3);
    expect(await table.read(`attempts ${task.action} ${task.id}`)).toEqual({ attempt: 3, expires: EXPIRES });
    expect(await registry.raiseAttempt(freshTask(), 1)).toBe(1);
  });

  const controlKey = ({ action, key, timestamp }: TaskRef) =>
    `control ${action} ${sha256(key)} ${timestamp} e`;

  it("of a cancel or a retry is the first that was recorded for its event", async () => {
    const task = freshTask();
    const registry = registryNow();
    expect(await registry.recordControl(task, "e", 2)).toBe(2);
    expect(await registry.recordControl(task, "e", 3)).toBe(2);
    expect(await registry.recordControl(task, "f", 3)).toBe(3);
    expect(await table.read(controlKey(task))).toEqual({ attempt: 2, expires: EXPIRES });
  });

  it("is kept for 45 days after it was last read", async () => {
    const task = freshTask();
    await registryNow().recordControl(task, "e", 2);
    await aDayLater(() => registryNow().recordControl(task, "e", 9));
    expect(await table.read(controlKey(task))).toEqual({
      attempt: 2,
      expires: EXPIRES + 24 * 3600,
    });
  });

  it("that changes between the two updates is tried again, ten times at most", async () => {
    const late = scriptedUpdate(undefined, undefined, undefined, { attempt: 4 });
    expect(await taskRegistry(late.update).raiseAttempt(freshTask(), 1)).toBe(4);
    expect(late.updates).toHaveLength(4);
    const never = scriptedUpdate();
    const task = freshTask();
    await expect(taskRegistry(never.update).recordControl(task, "e", 1)).rejects.toThrow(
      `${controlKey(task)} changed`,
    );
    expect(never.updates).toHaveLength(20);
  });
});
