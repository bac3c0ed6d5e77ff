import { someTask } from "@ferry/memory/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scriptedUpdate, startWorkerTable, type TestWorkerTable } from "../testing/worker-table.ts";
import { rateLimiter } from "./rate-limiter.ts";

const NOW_MS = 1_793_498_400_000;
const DAY_SECONDS = 24 * 3600;
let table: TestWorkerTable;
beforeAll(async () => {
  table = await startWorkerTable();
});
afterAll(() => table.close());

let made = 0;
const freshTask = () => someTask(`us-east-1-limited-${++made}`);
const keyOf = (task: ReturnType<typeof freshTask>) => `${task.action} ${task.id}`;
const at = (nowMs: number, durationMs: number, latestMs = nowMs + 10_000) => ({
  durationMs,
  nowMs,
  latestMs,
});

describe("a task's timeline in the worker table", () => {
  it("begins now, and each reservation begins where the one before ends", async () => {
    const limiter = rateLimiter(table.update);
    const task = freshTask();
    expect(await limiter.reserve(task, at(NOW_MS, 300))).toBe(NOW_MS);
    expect(await table.read(keyOf(task))).toEqual({
      "reserved-until": NOW_MS + 300,
      expires: NOW_MS / 1000 + 1 + DAY_SECONDS,
    });
    expect(await limiter.reserve(task, at(NOW_MS + 100, 500))).toBe(NOW_MS + 300);
    expect(await limiter.reserve(task, at(NOW_MS + 2000, 1500))).toBe(NOW_MS + 2000);
    // A day after the last reservation that was made, rounded up to a second.
    expect(await table.read(keyOf(task))).toEqual({
      "reserved-until": NOW_MS + 3500,
      expires: NOW_MS / 1000 + 4 + DAY_SECONDS,
    });
  });

  it("that ends now or at the latest time can still be reserved, and one that ends later cannot", async () => {
    const limiter = rateLimiter(table.update);
    const task = freshTask();
    await limiter.reserve(task, at(NOW_MS, 300));
    expect(await limiter.reserve(task, at(NOW_MS + 300, 1))).toBe(NOW_MS + 300);
    expect(await limiter.reserve(task, at(NOW_MS, 1, NOW_MS + 300))).toBeUndefined();
    expect(await limiter.reserve(task, at(NOW_MS, 1, NOW_MS + 301))).toBe(NOW_MS + 301);
  });

  it("of one task is not that of another, or of another action", async () => {
    const limiter = rateLimiter(table.update);
    const task = freshTask();
    await limiter.reserve(task, at(NOW_MS, 300));
    expect(await limiter.reserve({ ...task, action: "restore" }, at(NOW_MS, 300))).toBe(NOW_MS);
    expect(await limiter.reserve(freshTask(), at(NOW_MS, 300))).toBe(NOW_MS);
  });

  it("cannot be reserved if the latest time has passed, but can at that time", async () => {
    const none = scriptedUpdate();
    expect(await rateLimiter(none.update).reserve(freshTask(), at(NOW_MS, 1, NOW_MS - 1))).toBeUndefined();
    expect(none.updates).toEqual([]);
    expect(await rateLimiter(table.update).reserve(freshTask(), at(NOW_MS, 1, NOW_MS))).toBe(NOW_MS);
  });

  it("that others change between the two updates is tried again, ten times at most", async () => {
    const late = scriptedUpdate(undefined, undefined, undefined, { "reserved-until": NOW_MS + 700 });
    expect(await rateLimiter(late.update).reserve(freshTask(), at(NOW_MS, 200))).toBe(NOW_MS + 500);
    expect(late.updates).toHaveLength(4);
    const never = scriptedUpdate();
    expect(await rateLimiter(never.update).reserve(freshTask(), at(NOW_MS, 200))).toBeUndefined();
    expect(never.updates).toHaveLength(10 * 3);
  });

  it("that is reserved beyond the latest time is not tried again", async () => {
    const beyond = scriptedUpdate(undefined, undefined, {});
    expect(await rateLimiter(beyond.update).reserve(freshTask(), at(NOW_MS, 200))).toBeUndefined();
    expect(beyond.updates).toHaveLength(3);
  });

  it("gives back only its last reservation", async () => {
    const limiter = rateLimiter(table.update);
    const task = freshTask();
    await limiter.reserve(task, at(NOW_MS, 300));
    await limiter.release(task, { endMs: NOW_MS + 299, durationMs: 100 });
    expect(await table.read(keyOf(task))).toMatchObject({ "reserved-until": NOW_MS + 300 });
    await limiter.release(task, { endMs: NOW_MS + 300, durationMs: 100 });
    expect(await table.read(keyOf(task))).toMatchObject({ "reserved-until": NOW_MS + 200 });
  });
});
