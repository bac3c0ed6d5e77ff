/**
 * Runs a backup and a restore of a table of many terabytes with the engine's own plan, slices, projector and last steps, in virtual
 * time. Counts are real; what is scaled down is each data file: its items are one fabricated item, and the scaled plan closes a file
 * after it. Times are of one message after the other: a stage runs as many at once as its workers' concurrency.
 */
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import type { BackupPlan, RestorePlan, TaskAccepted } from "@ferry/core/events/events";
import type { Codec } from "@ferry/core/ports";
import { defaultSettings, engineSettings } from "@ferry/core/settings/settings";
import { work } from "@ferry/core/worker";
import { intercept } from "@ferry/memory/intercept";
import { openMd5 } from "@ferry/memory/ports";
import { backupRequest, message, restoreRequest } from "@ferry/memory/testing/tasks";
import { virtualClock } from "@ferry/memory/time";
import { smallCloud } from "../testing/small-cloud.ts";
import { fabricatedTables } from "./fabricated-table.ts";

/** A page of a Scan, as DynamoDB counts, bytes. */
const PAGE_BYTES = 1_000_000;
const SCAN_MS = 60;
const PUT_MS = 500;
const ITEMS_PER_WRITE = 25;
const WRITE_MS = 10;
const WRITES_AT_ONCE = 8;

const KEYS_PER_LISTING_MAX = 1000;

/** The calls on the bucket, by method. A listing counts once for each thousand keys. */
type ArchiveCalls = Record<"putNew" | "head" | "get" | "open" | "list", number>;

/** What one task took. */
export interface TaskFigures {
  readonly segments: number;
  readonly files: number;
  /** Calls of Scan, or of BatchWriteItem. */
  readonly itemCalls: number;
  /** Invocations of the worker. */
  readonly invocations: number;
  readonly events: number;
  /** Largest event's detail, bytes. */
  readonly eventBytesMax: number;
  readonly calls: ArchiveCalls;
  /** The sum of all invocations' virtual time, seconds. */
  readonly workSeconds: number;
  /** Invocations of the last step, and their calls on the bucket. */
  readonly lastStep: { readonly invocations: number; readonly calls: number };
}

export interface ScaleFigures {
  readonly tableBytes: number;
  /** The plan's size of a data file, bytes. */
  readonly batchBytes: number;
  /** The size of manifest-files.json, bytes. */
  readonly listBytes: number;
  readonly backup: TaskFigures;
  readonly restore: TaskFigures;
}

/** Bytes pass through uncompressed: readers recognise plain lines. */
function plainCodec(): Codec {
  return {
    ...pakoCodec(openMd5),
    compress() {
      const parts: Uint8Array[] = [];
      let storedBytes = 0;
      return {
        async write(bytes) {
          parts.push(new Uint8Array(bytes));
          storedBytes += bytes.length;
        },
        compressedBytes: () => storedBytes,
        finish: async () => Buffer.concat(parts),
        discard() {},
      };
    },
  };
}

/** Measures a table of `tableBytes` with items of `itemBytes`. `totalSegments`: of the request; absent for the default. */
export async function measureScale(
  tableBytes: number,
  itemBytes: number,
  totalSegments?: number,
): Promise<ScaleFigures> {
  const clock = virtualClock();
  let files = 0;
  let fileMs = 0;
  const table = fabricatedTables({
    sizeBytes: tableBytes,
    itemBytes,
    files: (segment, segments) =>
      Math.max(1, Math.floor((files * (segment + 1)) / segments) - Math.floor((files * segment) / segments)),
    onFile: () => clock.advance(fileMs),
  });
  const calls: ArchiveCalls = { putNew: 0, head: 0, get: 0, open: 0, list: 0 };
  const counted = { events: 0, eventBytesMax: 0 };
  const cloud = smallCloud(
    {
      tables: table,
      codec: plainCodec(),
      clock,
      time: clock.invocation(15 * 60_000),
      // The clock is that of one message after the other.
      settings: { ...defaultSettings, taskTimeoutMs: engineSettings.taskTimeoutMs.highest },
    },
    ({ detail }) => {
      counted.events++;
      counted.eventBytesMax = Math.max(counted.eventBytesMax, JSON.stringify(detail).length);
    },
  );
  const methods = Object.keys(calls) as (keyof ArchiveCalls)[];
  const counting = intercept("archive", cloud.ports.archive, methods, async ({ method }, run) => {
    const answer = await run();
    const pages = method === "list" ? Math.ceil((answer as unknown[]).length / KEYS_PER_LISTING_MAX) : 1;
    calls[method as keyof ArchiveCalls] += Math.max(1, pages);
    return answer;
  });
  Object.assign(cloud.ports.archive, counting);

  const segmentsField = totalSegments === undefined ? {} : { "total-segments": totalSegments };
  const planned = await accepted({ ...backupRequest, ...segmentsField }, "backup");
  const { "batch-bytes": batchBytes } = planned.plan as BackupPlan;
  // The lines of the sample are a little larger than the items that DynamoDB counts.
  const lineBytes = itemBytes + '{"Item":{"id":{"S":"sample-100"},"v":{"S":""}}}'.length - 10;
  files = Math.ceil(((tableBytes / itemBytes) * lineBytes) / batchBytes);
  const itemsPerFile = batchBytes / lineBytes;
  const pagesPerFile = (itemsPerFile * itemBytes) / PAGE_BYTES;
  fileMs = pagesPerFile * SCAN_MS + PUT_MS;
  const scaled = { ...planned, plan: { ...planned.plan, "batch-bytes": 1 } };
  const backup = await run(scaled, pagesPerFile);

  fileMs = (itemsPerFile / ITEMS_PER_WRITE / WRITES_AT_ONCE) * WRITE_MS;
  const restored = await accepted({ ...restoreRequest, ...segmentsField }, "restore");
  const restore = await run(restored, itemsPerFile / ITEMS_PER_WRITE);
  return {
    tableBytes,
    batchBytes,
    listBytes: (restored.plan as RestorePlan).manifest.list!.bytes,
    backup,
    restore,
  };

  /** Plans a request with the engine's own step. */
  async function accepted(request: object, action: string): Promise<TaskAccepted> {
    const detail = { request, "request-id": `${action}-1` };
    const time = clock.invocation(15 * 60_000);
    const [event] = await work(message("TaskRequested", detail, "TaskRejected"), { ...cloud.ports, time });
    if (event?.type !== "TaskAccepted") throw new Error(`not accepted: ${JSON.stringify(event)}`);
    return event.detail;
  }

  /** Runs an accepted task to its end. */
  async function run(task: TaskAccepted, itemCallsPerFile: number): Promise<TaskFigures> {
    const { action } = task.task;
    const before = { ...calls, events: counted.events, ms: clock.now() };
    counted.eventBytesMax = 0;
    const lastStep = { invocations: 0, calls: 0 };
    let invocations = 0;
    cloud.put("TaskAccepted", task, { source: "ferry" });
    await cloud.run({
      pick(waiting) {
        const [first] = waiting;
        if (first?.queue !== `${action}-queue`) return 0;
        invocations++;
        if (first.message.event["detail-type"] !== "TaskFinishing") return 0;
        if (lastStep.invocations++ === 0) lastStep.calls = -sum(calls);
        return 0;
      },
    });
    lastStep.calls += sum(calls);
    const row = cloud.rows(action)[0];
    if (row?.finished !== true)
      throw new Error(`the ${action} did not succeed: ${JSON.stringify(row?.reasons)}`);
    const difference = (name: keyof ArchiveCalls) => calls[name] - before[name];
    return {
      segments: task.plan["total-segments"],
      files: row.batches,
      itemCalls: Math.round(row.batches * itemCallsPerFile),
      invocations,
      events: counted.events - before.events,
      eventBytesMax: counted.eventBytesMax,
      calls: {
        putNew: difference("putNew"),
        head: difference("head"),
        get: difference("get"),
        open: difference("open"),
        list: difference("list"),
      },
      workSeconds: Math.round((clock.now() - before.ms) / 1000),
      lastStep,
    };
  }
}

function sum(calls: ArchiveCalls): number {
  return Object.values(calls).reduce((total, count) => total + count, 0);
}
