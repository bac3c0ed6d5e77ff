/**
 * Sample events and rows for the contract suites.
 */
import { type BackupPlan, type FerryEvent, VERSION } from "@ferry/core/events/events";
import { newTaskRow, type SegmentRecord, type TaskRow } from "@ferry/core/projection/status";

const TIMESTAMP = 1_793_498_400_123;

/** The failure of a step with any name; `work`: the message's detail. */
export function failureEvent(step: string, work: unknown): FerryEvent {
  return {
    type: "SegmentFailed",
    detail: {
      version: VERSION,
      cause: "no-such-table",
      step,
      work,
      "event-id": "7bf73129-1428-4cd3-a780-95db273d1602",
      time: "2026-11-01T02:00:00Z",
    },
  };
}

/** A plan whose strings would break any template that does not escape. */
export function plan(key: string): BackupPlan {
  return {
    request: {
      action: "backup",
      "table-region": "eu-west-1",
      "table-name": "orders",
      "bucket-region": "us-east-1",
      "bucket-name": "archive",
      "bucket-prefix": 'it\'s {a} "quoted" prefix/\\ é\u2028',
      "consistent-read": true,
      "read-units": 12.5,
    },
    task: {
      id: `${key}@${TIMESTAMP}`,
      action: "backup",
      key,
      timestamp: TIMESTAMP,
      "request-id": "r-1",
    },
    "total-segments": 1000,
    "batch-bytes": 33_554_432,
    "compression-level": 6,
    table: { arn: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", keys: ["pk", "sk"] },
    started: "2026-11-01T02:00:00.123Z",
  };
}

/** A row after a task's first fact: all else is empty. */
export function emptyRow(key: string, fields: Partial<TaskRow> = {}): TaskRow {
  const task = { action: "backup", key, timestamp: TIMESTAMP } as const;
  return { ...newTaskRow(task, "2026-11-01T02:00:00Z"), rev: 1, ...fields };
}

/** A row with every field. */
export function fullRow(key: string): TaskRow {
  return emptyRow(key, {
    "request-id": "r-1",
    // Some of these names are attributes of the row itself.
    request: {
      action: "backup",
      "table-name": "orders",
      "total-segments": 5,
      "consistent-read": true,
      "bucket-prefix": "123",
      state: "ignored",
      rev: 7,
      key: "ignored",
    },
    plan: plan(key),
    accepted: true,
    attempt: 3,
    cancelledAttempt: 2,
    failedStepAttempt: 1,
    total: 1000,
    completed: Array.from({ length: 998 }, (_, i) => i),
    failed: { 998: 3, 999: 2 },
    attempts: { 998: 3, 999: 2, 5: 2 },
    batches: 12_345,
    items: 9_007_199_254_740_991,
    bytes: 123_456_789_012_345,
    reasons: [
      {
        attempt: 3,
        segment: 998,
        cause: "no-such-table",
        text: "Scan table orders: gone. Check table-name.",
      },
      { attempt: 1, cause: "attempts-exhausted", text: "" },
    ],
    acceptedTime: "2026-11-01T02:00:01Z",
    finishedTime: "2026-11-01T03:00:00Z",
    updatedTime: "2026-11-01T03:00:00Z",
  });
}

/** A segment record of a task. */
export function recordOf(task: string, fields: Partial<SegmentRecord> = {}): SegmentRecord {
  return {
    task,
    segment: 0,
    state: "running",
    attempt: 1,
    batches: 0,
    items: 0,
    bytes: 0,
    updatedTime: "2026-11-01T02:00:00Z",
    ...fields,
  };
}
