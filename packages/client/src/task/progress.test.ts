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

const moved = (items: number) => task({ items, bytes: items * 100 });

test("rates, percentage and ETA are of the row", () => {
  const meter = openProgressMeter();
  expect(meter(0, task(), [])).toMatchObject({ itemsPerSecond: 0, percent: 0 });
  expect(meter(10_000, moved(200), [])).toMatchObject({
    itemsPerSecond: 20,
    bytesPerSecond: 2000,
    percent: 20,
    etaSeconds: 40,
  });
});

test("a running task that has more items than expected is at 99 %, without an ETA; a succeeded one at 100 %", () => {
  const meter = openProgressMeter();
  meter(0, moved(900), []);
  const late = meter(1000, moved(1200), []);
  expect(late.percent).toBe(99);
  expect(late).not.toHaveProperty("etaSeconds");
  expect(meter(2000, task({ state: "succeeded", items: 1200 }), []).percent).toBe(100);
});

test("the rate of units is of the segments' records, and 0 when a retry begins them again", () => {
  const meter = openProgressMeter();
  const segment = (units: number): SegmentStatus => ({
    segment: 0,
    state: "running",
    attempt: 1,
    items: 0,
    bytes: 0,
    files: 0,
    units,
    updatedTime: "2026-11-23T02:00:00.000Z",
  });
  meter(0, task(), [segment(100)]);
  expect(meter(10_000, task(), [segment(600)])).toMatchObject({ unitsPerSecond: 50, usage: { units: 600 } });
  expect(meter(11_000, task({ attempt: 2 }), [segment(0)]).unitsPerSecond).toBe(0);
});

test("an old observation does not count", () => {
  const meter = openProgressMeter();
  meter(0, task(), []);
  meter(60_000, moved(600), []);
  expect(meter(61_000, moved(700), []).itemsPerSecond).toBe(100);
});
