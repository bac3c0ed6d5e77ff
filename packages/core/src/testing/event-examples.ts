/**
 * The texts of docs/events.md for each event besides its schema: its emitter, its occasion, its consumers, and an example.
 */
import type { eventSchemas } from "../events/read-event.ts";

export interface EventPage {
  readonly emitter: string;
  readonly when: string;
  readonly consumers: string;
  readonly example: unknown;
}

const ANYONE = "Any system whose role has the policy `ferry-STAGE-callers`, with its own source.";
const WORKER = "A worker.";
const PROJECTOR = "The projector";
const LISTENERS = "Your own rules; Ferry has none for it.";

const task = {
  id: "us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65",
  action: "backup",
  key: "us-east-1-orders",
  timestamp: 1795399200123,
  "request-id": "7bf73129-1428-4cd3-a780-95db273d1602",
};
const request = {
  action: "backup",
  "table-region": "us-east-1",
  "table-name": "orders",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "orders/2026-11-23T02-00-00",
};
const plan = {
  request,
  task,
  "total-segments": 2,
  "batch-bytes": 33554432,
  "compression-level": 6,
  table: { arn: "arn:aws:dynamodb:us-east-1:123456789012:table/orders", keys: ["id"] },
  started: "2026-11-23T02:00:00.000Z",
};
const common = { version: 1, task, plan, attempt: 1 };
const work = {
  ...common,
  "deadline-ms": 1795485600000,
  segment: 1,
  cursor: { batch: 3, after: { id: { S: "order-88" } } },
  counts: { batches: 3, items: 4200, bytes: 98304000 },
  handoffs: 1,
  "handoffs-without-progress": 0,
};
const usage = { units: 12200, throttles: 0, ms: 243000 };
const row = { action: "backup", key: task.key, timestamp: task.timestamp };
const refusedEvent = { "event-id": "0e1c9f5e-6a3c-8a51-5b55-3a1d2f9f7a10", time: "2026-11-23T02:04:10Z" };
const noSuchTable = {
  version: 1,
  cause: "no-such-table",
  error: {
    operation: "Scan",
    resource: "table orders in us-east-1",
    message:
      "Scan on table orders in us-east-1 failed: ResourceNotFoundException: Requested resource not found.",
    hint: "Check table-name and table-region, and that the table is ACTIVE.",
    retryable: false,
  },
};
/** An announcement as a Pipe writes it: a stream's numbers are text. */
const announced = {
  version: 1,
  task: { ...task, timestamp: "1795399200123" },
  attempt: "1",
  state: "succeeded",
  reason: "",
  "table-region": "us-east-1",
  "table-name": "orders",
  "bucket-region": "eu-west-1",
  "bucket-name": "archives",
  "bucket-prefix": "orders/2026-11-23T02-00-00",
  "total-segments": "2",
  "completed-segments": "2",
  "failed-segments": "0",
  "transferred-batches": "6",
  "transferred-items": "8400",
  "transferred-bytes": "196608000",
  plan: { S: JSON.stringify(plan) },
};
const reason =
  "segment 1: no-such-table: Scan on table orders in us-east-1 failed: ResourceNotFoundException: Requested resource not found.";

/** In the page's order. */
export const eventPages: Readonly<Record<keyof typeof eventSchemas, EventPage>> = {
  TaskRequested: {
    emitter: `${ANYONE} The Pipe \`requests\` puts one for each message of \`request-queue\`, and each schedule of the stage when it is due. The backup worker puts one for each restore that a message requested.`,
    when: "A caller requests a backup or a restore.",
    consumers:
      "The worker of the request's action. The backup worker rejects requests with another action, and reads the messages of `request-queue`: one that is not JSON is rejected, too.",
    example: { request: { ...request, "bucket-prefix": "{table}/{date}T{time}" }, "request-id": "nightly-1" },
  },
  TaskCancelRequested: {
    emitter: ANYONE,
    when: "An operator stops a task.",
    consumers: `${PROJECTOR}.`,
    example: { task: row, attempt: 1 },
  },
  TaskRetryRequested: {
    emitter: ANYONE,
    when: "An operator continues a task that failed, was cancelled or stalled.",
    consumers: "The worker of the task's action.",
    example: { task: row },
  },
  TaskAccepted: {
    emitter: WORKER,
    when: "A request was planned, or a retry began an attempt; also to continue to wait until a new table is ACTIVE.",
    consumers: `The worker, which queues the segments. ${PROJECTOR}.`,
    example: { ...common, "deadline-ms": 1795485600000, segments: [0, 1] },
  },
  TaskRejected: {
    emitter: `${WORKER} The Pipe \`report-failures\`, if the attempts of the request's message ran out.`,
    when: "A request was not accepted. No work was done.",
    consumers: `${PROJECTOR}, and your own notification rules.`,
    example: {
      ...noSuchTable,
      task,
      step: "TaskRequested",
      work: { request },
      ...refusedEvent,
    },
  },
  SegmentQueued: {
    emitter: WORKER,
    when: "An attempt begins; once for each of its segments.",
    consumers: `The worker, which begins the segment. ${PROJECTOR}.`,
    example: { ...work, cursor: { batch: 0 }, counts: { batches: 0, items: 0, bytes: 0 }, handoffs: 0 },
  },
  SegmentProgressed: {
    emitter: WORKER,
    when: "A slice reports its progress, or hands off to the next slice (`handoff` is true).",
    consumers: `The worker, which continues the segment, if \`handoff\` is true. ${PROJECTOR}.`,
    example: { ...work, usage, handoff: true },
  },
  SegmentCompleted: {
    emitter: WORKER,
    when: "A segment is complete.",
    consumers: `${PROJECTOR}.`,
    example: {
      ...common,
      segment: 1,
      counts: { batches: 3, items: 4200, bytes: 98304000 },
      handoffs: 2,
      usage,
    },
  },
  SegmentFailed: {
    emitter: `${WORKER} The Pipe \`report-failures\`, if the attempts of the segment's message ran out.`,
    when: "A segment failed or was cancelled.",
    consumers: `${PROJECTOR}.`,
    example: { ...noSuchTable, step: "SegmentQueued", work, ...refusedEvent },
  },
  TaskStepFailed: {
    emitter: `${WORKER} The Pipe \`report-failures\`, if the attempts of the step's message ran out.`,
    when: "A step of the task itself failed: queueing the segments, finishing, or a retry.",
    consumers: `${PROJECTOR}.`,
    example: {
      version: 1,
      cause: "attempts-exhausted",
      step: "TaskFinishing",
      work: { ...announced, state: "finishing" },
      ...refusedEvent,
    },
  },
  TaskFinishing: {
    emitter:
      "The Pipes `announce-backups` and `announce-restores`; a worker, to continue a count, or to give a new table its settings.",
    when: "All segments of a task are complete.",
    consumers: "The worker, which finishes the task. The projector, if it continues a count.",
    example: { ...announced, state: "finishing" },
  },
  TaskFinished: {
    emitter: WORKER,
    when: "The last step of a task is done.",
    consumers: `${PROJECTOR}.`,
    example: {
      version: 1,
      task,
      attempt: 1,
      items: 8400,
      settings: {
        indexes: { outcome: "reapplied" },
        stream: { outcome: "off" },
        "time-to-live": {
          outcome: "refused",
          reason: "UpdateTimeToLive: AccessDeniedException: not authorized",
        },
      },
    },
  },
  TaskSucceeded: {
    emitter: "The Pipes `announce-backups` and `announce-restores`.",
    when: "A task's row became `succeeded`: the archive has its manifest, or the table has the items.",
    consumers: LISTENERS,
    example: announced,
  },
  TaskFailed: {
    emitter: "The Pipes `announce-backups` and `announce-restores`.",
    when: "A task's row became `failed`, once for each attempt.",
    consumers: LISTENERS,
    example: { ...announced, state: "failed", reason, "completed-segments": "1", "failed-segments": "1" },
  },
  TaskCancelled: {
    emitter: "The Pipes `announce-backups` and `announce-restores`.",
    when: "A task's row became `cancelled`, once for each attempt: all of its segments have ended.",
    consumers: LISTENERS,
    example: {
      ...announced,
      state: "cancelled",
      reason: "Attempt 1 was cancelled; a retry continues where it stopped.",
      "completed-segments": "1",
      "failed-segments": "1",
    },
  },
  TaskControlRefused: {
    emitter: "A worker (retries) and the projector (cancels).",
    when: "A cancel or a retry was refused.",
    consumers: LISTENERS,
    example: {
      version: 1,
      control: "retry",
      cause: "not-retryable",
      reason: "The task has succeeded. Only a task that was accepted and has not succeeded can be retried.",
      issues: [],
      hint: "Take key, timestamp and action from the task's row in the status table.",
      nearest: [{ ...row, state: "succeeded" }],
      asked: { task: row },
      ...refusedEvent,
    },
  },
};
