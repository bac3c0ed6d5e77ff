import { expect, test } from "vitest";
import { openProgressMeter } from "./progress.ts";
import type { SegmentStatus, TaskStatus } from "./task-status.ts";

const task = (fields: Partial<TaskStatus> = {}): TaskStatus => ({
  action: "backup",
  key: "us-east-1-orders",
  state: "running",
  attempt: 1,
  table: { region: "us-east-1", name: "orders" },
  archive: { region: "us-east-1", bucket: "archives", prefix: "orders" },
  segments: { total: 2, completed: 0, failed: 0 },
  items: 0,
  bytes: 0,
  files: 0,
  expected: { items: 1000 },
  reasons: [],
  notes: [],
  ...fields,
});

const segment = (items: number, bytes = items * 100): SegmentStatus => ({
  segment: 0,
  state: "running",
  attempt: 1,
  items,
  bytes,
  files: 1,
  updatedTime: "2026-11-23T02:00:00.000Z",
});

test("rates, percentage and ETA are of the segments' records", () => {
  const meter = openProgressMeter();
  expect(meter(0, task(), [segment(0)])).toMatchObject({ items: 0, itemsPerSecond: 0, percent: 0 });
  expect(meter(10_000, task(), [segment(200)])).toMatchObject({
    items: 200,
    bytes: 20_000,
    itemsPerSecond: 20,
    bytesPerSecond: 2000,
    percent: 20,
    etaSeconds: 40,
  });
});

test("the row counts, if it is ahead of the records", () => {
  expect(openProgressMeter()(0, task({ items: 300, bytes: 5 }), [segment(200, 4)])).toMatchObject({
    items: 300,
    bytes: 5,
  });
});

test("a running task that has more items than expected is at 99 %, without an ETA; a succeeded one at 100 %", () => {
  const meter = openProgressMeter();
  meter(0, task(), [segment(900)]);
  const late = meter(1000, task(), [segment(1200)]);
  expect(late.percent).toBe(99);
  expect(late).not.toHaveProperty("etaSeconds");
  expect(meter(2000, task({ state: "succeeded", items: 1200 }), []).percent).toBe(100);
});

test("given counts that go back, as in a retry, no rate is negative", () => {
  const meter = openProgressMeter();
  meter(0, task(), [segment(500)]);
  expect(meter(1000, task({ attempt: 2 }), [segment(100)])).toMatchObject({
    itemsPerSecond: 0,
    bytesPerSecond: 0,
  });
});

test("an old observation does not count", () => {
  const meter = openProgressMeter();
  meter(0, task(), [segment(0)]);
  meter(60_000, task(), [segment(600)]);
  expect(meter(61_000, task(), [segment(700)]).itemsPerSecond).toBe(100);
});
