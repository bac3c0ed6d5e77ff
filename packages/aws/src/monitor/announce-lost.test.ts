import { newTaskRow, type TaskRow } from "@ferry/core/projection/status";
import { memoryStatusStore } from "@ferry/memory/status-store";
import { somePlan, someTask } from "@ferry/memory/testing/tasks";
import { expect, test } from "vitest";
import { ANNOUNCED_MAX, announceLost } from "./announce-lost.ts";

const time = "2026-11-01T02:00:00Z";
const nowMs = Date.parse("2026-11-01T03:00:00Z");

function finishing(n: number): TaskRow {
  const task = someTask(`us-east-1-table-${n}`);
  return { ...newTaskRow(task, time), accepted: true, plan: somePlan(task, 1), total: 1, completed: [0] };
}

const openTask = (row: TaskRow, awaitsAnnouncement = true) => ({
  id: row["task-id"]!,
  row,
  awaitsAnnouncement,
  updatedTimes: [time],
});

async function storeOf(rows: readonly TaskRow[]) {
  let writes = 0;
  const store = memoryStatusStore(() => writes++);
  for (const row of rows) await store.write(row, undefined);
  writes = 0;
  return { store, writes: () => writes };
}

test("only tasks that wait for their announcement are read and announced", async () => {
  const rows = [finishing(1), finishing(2)];
  const { store, writes } = await storeOf(rows);
  const open = [openTask(rows[0]!), openTask(rows[1]!, false)];
  expect(await announceLost(open, store, nowMs)).toEqual({ again: [open[0]!.id], failed: [] });
  expect(writes()).toBe(2);
});

test("a task whose row cannot be read does not keep the next one from being announced", async () => {
  const rows = [finishing(1), finishing(2)];
  const { store } = await storeOf(rows);
  const error = new Error("away");
  const failing = {
    ...store,
    read: (row: TaskRow) => (row.key === rows[0]!.key ? Promise.reject(error) : store.read(row)),
  };
  const open = rows.map((row) => openTask(row));
  expect(await announceLost(open, failing as typeof store, nowMs)).toEqual({
    again: [open[1]!.id],
    failed: [{ id: open[0]!.id, error }],
  });
});

test("a run announces a limited number of tasks", async () => {
  const rows = Array.from({ length: ANNOUNCED_MAX + 1 }, (_, n) => finishing(n));
  const { store } = await storeOf(rows);
  const { again } = await announceLost(
    rows.map((row) => openTask(row)),
    store,
    nowMs,
  );
  expect(again).toHaveLength(ANNOUNCED_MAX);
});
