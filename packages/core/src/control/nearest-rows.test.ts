import { memoryRowSearch } from "@ferry/memory/row-search";
import { expect, test } from "vitest";
import type { RowSearch } from "../ports.ts";
import { newTaskRow, type TaskRow } from "../projection/status.ts";
import { nearestRows } from "./nearest-rows.ts";

const task = (key: string, timestamp: number) => ({ action: "backup" as const, key, timestamp });
const row = (key: string, timestamp: number, fields: Partial<TaskRow> = {}): TaskRow => ({
  ...newTaskRow(task(key, timestamp), "2026-11-01T02:00:00Z"),
  total: 1,
  accepted: true,
  ...fields,
});
const found = async (control: "cancel" | "retry", rows: readonly TaskRow[], named: unknown) =>
  (
    await nearestRows(
      control,
      named,
      memoryRowSearch(() => rows),
    )
  ).map(({ key, timestamp, state }) => `${key}@${timestamp} ${state}`);

test("given rows of the named key, the five nearest in time are found, the nearest first", async () => {
  const rows = [10, 20, 30, 40, 50, 60, 70].map((timestamp) => row("orders", timestamp));
  expect(await found("cancel", [...rows, row("orders-2", 31)], { task: task("orders", 31) })).toEqual([
    "orders@30 running",
    "orders@40 running",
    "orders@20 running",
    "orders@50 running",
    "orders@10 running",
  ]);
});

test("the row of the key has its state, also if it cannot be cancelled", async () => {
  const rows = [row("orders", 10, { finished: true })];
  expect(await found("cancel", rows, { task: task("orders", 10) })).toEqual(["orders@10 succeeded"]);
});

const others = [
  row("us-east-1-orders", 10),
  row("us-east-1-orders", 20),
  row("us-east-1-songs", 30),
  row("eu-west-1-orders", 40),
  row("us-east-1-order", 50, { failedStepAttempt: 1 }),
];

test("given no row of the key, the tasks that can be cancelled are found, those with the most similar keys first", async () => {
  expect(await found("cancel", others, { task: task("us-east-1-orderz", 15) })).toEqual([
    "us-east-1-orders@20 running",
    "us-east-1-orders@10 running",
    "us-east-1-songs@30 running",
    "eu-west-1-orders@40 running",
  ]);
});

test("given no row of the key, the tasks that can be retried are found", async () => {
  expect((await found("retry", others, { task: task("us-east-1-orderz", 15) }))[0]).toBe(
    "us-east-1-order@50 failed",
  );
});

test("a key that differs at its start is recognised by its end", async () => {
  const rows = [row("eu-west-1-archives-nightly", 1), row("eu-west-1-archives-weekly-orders", 2)];
  const named = { task: task("us-west-1-archives-weekly-orders", 2) };
  expect((await found("cancel", rows, named))[0]).toBe("eu-west-1-archives-weekly-orders@2 running");
});

test.each([{ task: "orders" }, {}, undefined, { task: { ...task("orders", 1), keys: 1 } }])(
  "given the control %j, which names no row, nothing is found",
  async (detail) => {
    expect(await found("cancel", others, detail)).toEqual([]);
  },
);

test("if the tables cannot be read, nothing is found", async () => {
  const broken: RowSearch = {
    ofKey: () => Promise.reject(new Error("no")),
    inState: () => Promise.reject(new Error("no")),
  };
  expect(await nearestRows("cancel", { task: task("orders", 1) }, broken)).toEqual([]);
});
