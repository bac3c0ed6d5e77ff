import { expect, test } from "vitest";
import { stalledTasks } from "./stalled.ts";

const HOUR_MS = 3_600_000;
const now = Date.parse("2026-11-23T12:00:00Z");
const task = (id: string, ...updatedTimes: string[]) => ({ id, updatedTimes });

test("a task that was updated within the hour is not stalled", () => {
  expect(stalledTasks([task("a", "2026-11-23T11:00:00Z")], now, HOUR_MS)).toEqual([]);
});

test("a task with one recently updated segment is not stalled", () => {
  const live = task("a", "2026-11-22T00:00:00Z", "2026-11-23T11:59:00Z", "2026-11-23T01:00:00Z");
  expect(stalledTasks([live], now, HOUR_MS)).toEqual([]);
});

test("several stalled tasks come back with the longest stalled first", () => {
  const tasks = [task("a", "2026-11-23T10:00:00Z"), task("b", "2026-11-23T08:00:00Z")];
  expect(stalledTasks(tasks, now, HOUR_MS)).toEqual([
    { id: "b", stalledMs: 4 * HOUR_MS },
    { id: "a", stalledMs: 2 * HOUR_MS },
  ]);
});
