import { expect, test } from "vitest";
import { prices } from "../price/prices.ts";
import type { SegmentStatus, TaskStatus } from "./task-status.ts";
import { usageOf } from "./task-usage.ts";

const task = (action: "backup" | "restore", bucketRegion = "us-east-1"): TaskStatus => ({
  action,
  key: "us-east-1-orders",
  state: "running",
  attempt: 1,
  table: { region: "us-east-1", name: "orders" },
  archive: { region: bucketRegion, bucket: "archives", prefix: "orders" },
  segments: { total: 3, completed: 0, failed: 0 },
  items: 1000,
  bytes: 8e9,
  files: 0,
  reasons: [],
  notes: [],
});

const segment = (fields: Partial<SegmentStatus>): SegmentStatus => ({
  segment: 0,
  state: "running",
  attempt: 1,
  items: 0,
  bytes: 0,
  files: 0,
  updatedTime: "2026-11-23T02:00:00.000Z",
  ...fields,
});

const segments = [
  segment({ units: 1_000_000, throttles: 2, handoffs: 3, workSeconds: 60 }),
  segment({ units: 3_000_000, throttles: 0, handoffs: 1, workSeconds: 40 }),
  segment({}),
];

test("the usage of a task is the sum over its segments", () => {
  expect(usageOf(task("backup"), segments)).toMatchObject({
    units: 4_000_000,
    throttles: 2,
    handoffs: 4,
    workSeconds: 100,
  });
  expect(usageOf(task("backup"), [])).toEqual({
    units: 0,
    throttles: 0,
    handoffs: 0,
    workSeconds: 0,
    usd: 0,
  });
});

test("its price is of read units for a backup and of write units for a restore, and a little more", () => {
  const reads = usageOf(task("backup"), segments).usd - 4 * prices.readUnits.usd;
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThan(0.01);
  expect(usageOf(task("restore"), segments).usd - 4 * prices.writeUnits.usd).toBeCloseTo(reads);
});

test("its price has the transfer to another region", () => {
  const more = usageOf(task("backup", "eu-west-1"), segments).usd - usageOf(task("backup"), segments).usd;
  expect(more).toBeCloseTo(2 * prices.transfer.usd);
});
