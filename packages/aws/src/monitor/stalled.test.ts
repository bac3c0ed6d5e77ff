import { expect, test } from "vitest";
import { stalledTasks } from "./stalled.ts";

const HOUR_MS = 3_600_000;
const now = Date.parse("2026-11-23T12:00:00Z");
const task = (id: string, ...heard: string[]) => ({ id, heard });

test("given tasks heard of within the hour, when they are looked at, then none is silent", () => {
  expect(stalledTasks([task("a", "2026-11-23T11:00:00Z")], now, HOUR_MS)).toEqual([]);
});

test("given one live segment among old ones, when it is looked at, then the task is not silent", () => {
  const live = task("a", "2026-11-22T00:00:00Z", "2026-11-23T11:59:00Z", "2026-11-23T01:00:00Z");
  expect(stalledTasks([live], now, HOUR_MS)).toEqual([]);
});

test("given several silent tasks, when they are looked at, then the longest silence comes first", () => {
  const tasks = [task("a", "2026-11-23T10:00:00Z"), task("b", "2026-11-23T08:00:00Z")];
  expect(stalledTasks(tasks, now, HOUR_MS)).toEqual([
    { id: "b", silentMs: 4 * HOUR_MS },
    { id: "a", silentMs: 2 * HOUR_MS },
  ]);
});
