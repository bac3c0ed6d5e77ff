import type { TaskProgress } from "@ferry/client/task/progress";
import type { SegmentStatus, TaskStatus } from "@ferry/client/task/task-status";
import { expect, test } from "vitest";
import { plainLine, progressLines } from "./progress-lines.ts";

const segmentOf = (segment: number, fields: Partial<SegmentStatus> = {}): SegmentStatus => ({
  segment,
  state: "running",
  attempt: 1,
  items: 12_345,
  bytes: 2_000_000,
  files: 1,
  updatedTime: "2026-11-23T02:00:00.000Z",
  ...fields,
});

function progressOf(total: number, fields: Partial<TaskStatus> = {}): TaskProgress {
  return {
    task: {
      id: "us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65",
      action: "backup",
      key: "us-east-1-orders",
      state: "running",
      attempt: 2,
      table: { region: "us-east-1", name: "orders" },
      archive: { region: "us-east-1", bucket: "archives", prefix: "orders" },
      segments: { total, completed: 0, failed: 0 },
      items: 480_000,
      bytes: 90_000_000,
      files: 0,
      expected: { items: 1_000_000 },
      reasons: [],
      notes: [],
      ...fields,
    },
    segments: Array.from({ length: total }, (_, segment) => segmentOf(segment)),
    itemsPerSecond: 3120,
    bytesPerSecond: 2_100_000,
    unitsPerSecond: 640,
    usage: { units: 98_000, throttles: 3, handoffs: 12, workSeconds: 900, usd: 0.034 },
    percent: 48,
    etaSeconds: 166,
  };
}

test.each([40, 80, 200])(
  "at %i columns every line fits, and the total has its bar and percentage",
  (width) => {
    for (const total of [1, 4, 12, 64]) {
      const lines = progressLines(progressOf(total), width);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      expect(lines[1]).toMatch(/^total {2}█+░+ {2}48 %/);
    }
  },
);

test("the first line has the state before the id, whose end a narrow terminal cuts", () => {
  expect(progressLines(progressOf(4), 60)[0]).toBe(
    "backup running, attempt 2: us-east-1-orders@1795399200123-6…",
  );
});

test("a rate that would be rounded to 0 is not shown", () => {
  const slow = { ...progressOf(4), itemsPerSecond: 0.4, unitsPerSecond: 0.4 };
  expect(progressLines(slow, 80).join("\n")).not.toMatch(/\b0 (items|units)\/s/);
});

test("without an estimate the total's bar is of the segments, if there are several", () => {
  const unknown = (total: number) => {
    const {
      percent: _,
      etaSeconds: __,
      ...progress
    } = progressOf(total, {
      segments: { total, completed: 1, failed: 0 },
    });
    return progressLines(progress, 80)[1];
  };
  expect(unknown(4)).toMatch(/^total {2}█+░+ {2}1 of 4 segments {2}480,000 items/);
  expect(unknown(1)).toMatch(/^total {2}480,000 items/);
});

test("at 80 columns the total has everything", () => {
  expect(progressLines(progressOf(4), 80)[1]).toMatch(
    /48 % {2}480,000 items {2}3,120 items\/s {2}2\.1 MB\/s {2}ETA 2m 46s$/,
  );
});

test("the line below the total has what the task used, and a segment's line what it used, if there is room", () => {
  const progress = progressOf(2);
  const segments = [segmentOf(0, { units: 1234, throttles: 1, handoffs: 2 }), segmentOf(1)];
  const lines = progressLines({ ...progress, segments }, 120);
  expect(lines[2]).toBe(
    "       640 units/s  98,000 units  3 throttled calls  12 handoffs  about $0.03  in the segments' latest attempts",
  );
  expect(lines[3]).toMatch(/12,345 items {2}running {2}1,234 units {2}1 throttled call {2}2 handoffs$/);
  expect(lines[4]).toMatch(/12,345 items {2}running$/);
  expect(progressLines({ ...progress, segments }, 60)[3]).toMatch(/12,345 items {2}running {2}1,234 units$/);
});

test("twelve segments have a bar each, more are counted by state", () => {
  expect(progressLines(progressOf(12), 80)).toHaveLength(15);
  const many = progressOf(40);
  const segments = many.segments.map((segment) =>
    segment.segment < 30 ? { ...segment, state: "completed" as const } : segment,
  );
  expect(progressLines({ ...many, segments: segments.slice(0, 35) }, 80)[3]?.trim()).toBe(
    "30 completed, 5 running, 5 waiting",
  );
});

test("a failed segment's reason is shown", () => {
  const progress = progressOf(2);
  const segments = [
    segmentOf(0),
    segmentOf(1, { state: "failed", reason: "Scan table orders: access denied." }),
  ];
  expect(progressLines({ ...progress, segments }, 80).at(-1)).toBe(
    "✗ segment 1: Scan table orders: access denied.",
  );
});

test("without an estimate there is no bar for the total", () => {
  const { percent: _, etaSeconds: __, ...unknown } = progressOf(1);
  expect(progressLines(unknown, 80)[1]).toBe("total  480,000 items  3,120 items/s  2.1 MB/s");
});

test("the plain line has state, percentage, rates and segments", () => {
  expect(plainLine(progressOf(4, { segments: { total: 4, completed: 1, failed: 1 } }))).toBe(
    "running (attempt 2), 48 %, 480,000 items, 3,120 items/s, 2.1 MB/s, ETA 2m 46s, 1 of 4 segments, 1 failed, 640 units/s, 98,000 units, 3 throttled calls, 12 handoffs, about $0.03, in the segments' latest attempts",
  );
});
