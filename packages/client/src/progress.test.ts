import { expect, test } from "vitest";
import { openProgressMeter } from "./progress.ts";
import type { TaskStatus } from "./task-status.ts";

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

test("an old observation does not count", () => {
  const meter = openProgressMeter();
  meter(0, task(), []);
  meter(60_000, moved(600), []);
  expect(meter(61_000, moved(700), []).itemsPerSecond).toBe(100);
});
