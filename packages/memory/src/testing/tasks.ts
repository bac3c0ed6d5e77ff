/**
 * For tests: a table, a bucket, and tasks on them, in memory.
 */

import { chunksOf, gathered } from "@ferry/core/archive/chunks";
import { lineSpans } from "@ferry/core/archive/data-file";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import {
  type BusEvent,
  type Delivery,
  type FailureType,
  type FerryEvent,
  type Plan,
  type SegmentWork,
  VERSION,
} from "@ferry/core/events/events";
import { fnv1a, sha256Hex } from "@ferry/core/hash";
import type { StatusStore } from "@ferry/core/ports";
import type { ProjectionPorts } from "@ferry/core/projection/projector";
import type { BackupRequest, RestoreRequest } from "@ferry/core/request/request";
import { type Action, type TaskRef, taskRef } from "@ferry/core/request/task";
import { work } from "@ferry/core/worker";
import { memoryLastErrors } from "../last-errors.ts";
import { type MemoryPorts, memoryPorts, openMd5 } from "../ports.ts";
import { memoryRowSearch } from "../row-search.ts";
import { memorySliceClaims } from "../slice-claims.ts";
import type { StatusTables } from "../status-store.ts";
import { memoryTaskRegistry } from "../task-registry.ts";

export const source = { region: "us-east-1", name: "cities" };
export const destination = { region: "eu-west-1", name: "copies" };
export const bucket = { region: "eu-central-1", name: "archives" };

export const backupRequest = {
  action: "backup",
  "table-region": source.region,
  "table-name": source.name,
  "bucket-region": bucket.region,
  "bucket-name": bucket.name,
  "bucket-prefix": "backups/one",
};

export const restoreRequest = {
  ...backupRequest,
  action: "restore",
  "table-region": destination.region,
  "table-name": destination.name,
};

/** Memory ports with both tables (hash key `id`, S) and the bucket. */
export function world(overrides: Partial<MemoryPorts> = {}): MemoryPorts {
  const ports = memoryPorts(overrides);
  for (const table of [source, destination])
    ports.tables.create(table, { keys: [{ name: "id", type: "S" }] });
  ports.archive.createBucket(bucket);
  return ports;
}

/** A delivered message; its id is always the same. */
export function message(type: string, detail: unknown, failsAs: FailureType = "SegmentFailed"): Delivery {
  return { id: "message-1", failsAs, event: busEvent(type, detail) };
}

/** A plan of this task, backup or restore, with all required fields. */
export function somePlan(task: TaskRef, totalSegments = 4): Plan {
  const table = { arn: "arn:aws:dynamodb:us-east-1:123456789012:table/cities", keys: ["id"] } as const;
  const common = { task, "total-segments": totalSegments };
  if (task.action === "backup") {
    const request = backupRequest as BackupRequest;
    const sizes = { "batch-bytes": 33_554_432, "compression-level": 6 };
    return { ...common, ...sizes, request, table, started: "2026-11-01T02:00:00.000Z" };
  }
  const request = restoreRequest as RestoreRequest;
  const fingerprint = { md5: "1B2M2Y8AsgTpgAmY7PhCfg==", etag: "e" };
  const prefix = restoreRequest["bucket-prefix"];
  const manifest = {
    own: true,
    location: { prefix, writtenFor: prefix, keys: "own", shared: false },
    items: 20,
    files: 1,
    bytes: 300,
    objects: { summary: fingerprint, task: fingerprint },
    list: { ...fingerprint, bytes: 170 },
    lines: "items",
  } as const;
  return { ...common, request, table: { ...table, "key-types": ["S"] }, manifest };
}

/** The fields of a step's detail besides task, plan and attempt, at the start of a backup. */
export const stepFields = {
  version: VERSION,
  "deadline-ms": 1_793_541_600_000,
  segments: [0],
  cursor: { batch: 0 },
  handoffs: 0,
  "handoffs-without-progress": 0,
  handoff: false,
} as const;

/** The fields of a failure's detail besides cause and work. */
export const failureFields = {
  version: VERSION,
  step: "SegmentQueued",
  "event-id": "event-9",
  time: "2026-11-01T02:00:00Z",
} as const;

export function busEvent(type: string, detail: unknown): BusEvent {
  return { id: "event-1", time: "2026-11-01T02:00:00Z", source: "ferry", "detail-type": type, detail };
}

/** A task with this key. */
export function someTask(key: string, action: Action = "backup", requestId = "r-1"): TaskRef {
  const row = { action, key, timestamp: 1_793_498_400_123 };
  return taskRef(row, { requestId, digest: sha256Hex(requestId).slice(0, 16) });
}

/** A projector's ports with an empty registry, no claims and no errors. It can search the rows of a store in memory. */
export function projecting(store: StatusStore & Partial<Pick<StatusTables, "rows">>): ProjectionPorts {
  return {
    store,
    registry: memoryTaskRegistry(),
    claims: memorySliceClaims(),
    search: memoryRowSearch(() => store.rows?.() ?? []),
    lastErrors: memoryLastErrors(),
  };
}

/** A request-id names one request, so each restore gets its own. */
const requestIdOf = (body: unknown) =>
  (body as { readonly action?: string }).action === "restore"
    ? `restore-${fnv1a(JSON.stringify(body))}`
    : "request-1";

/** Plans a request. Returns the concluding events. */
export function request(
  body: unknown,
  ports: MemoryPorts,
  id = requestIdOf(body),
): Promise<readonly FerryEvent[]> {
  return work(message("TaskRequested", { request: body, "request-id": id }, "TaskRejected"), ports);
}

/** Plans a request and queues its segments. Throws if it is not accepted. */
export async function accepted(
  body: unknown,
  ports: MemoryPorts,
  id = requestIdOf(body),
): Promise<SegmentWork[]> {
  const [event] = await request(body, ports, id);
  if (event?.type !== "TaskAccepted") throw new Error(`not accepted: ${JSON.stringify(event)}`);
  const queued = await work(message("TaskAccepted", event.detail), ports);
  return queued.map((one) => one.detail as SegmentWork);
}

/** Runs a segment's slices to its end. Returns the last event and the number of slices. */
export async function sliceToEnd(first: SegmentWork, ports: MemoryPorts) {
  let detail = first;
  for (let slices = 1; ; slices++) {
    if (slices > 10_000) throw new Error("a segment does not end");
    const fresh = { ...ports, time: ports.clock.invocation(15 * 60_000) };
    const [event] = await work(message("SegmentProgressed", { handoff: true, ...detail }), fresh);
    if (event?.type !== "SegmentProgressed") return { event, slices };
    detail = event.detail;
  }
}

/** The lines of each of a segment's data files. */
export async function archivedLines(ports: MemoryPorts, segment = 0): Promise<string[][]> {
  const codec = pakoCodec(openMd5);
  const listed = await ports.archive.list(bucket, `backups/one/0x${segment.toString(16).padStart(4, "0")}/`);
  return Promise.all(
    listed.map(async ({ key }) => {
      const stored = await ports.archive.get(bucket, key);
      const bytes = await gathered(codec.decompress(chunksOf(stored!.body)));
      return lineSpans(bytes).map(({ start, end }) => new TextDecoder().decode(bytes.subarray(start, end)));
    }),
  );
}

/** Runs a whole task without a projector: plan, fan-out, slices, finish. Returns the last events. */
export async function runTask(body: unknown, ports: MemoryPorts, id = requestIdOf(body)) {
  const segments = await accepted(body, ports, id);
  let items = 0;
  let bytes = 0;
  for (const segment of segments) {
    const { event } = await sliceToEnd(segment, ports);
    if (event?.type !== "SegmentCompleted") throw new Error(`not completed: ${JSON.stringify(event)}`);
    items += event.detail.counts.items;
    bytes += event.detail.counts.bytes;
  }
  const { task, plan } = segments[0]!;
  const detail = {
    version: VERSION,
    task,
    attempt: 1,
    "transferred-items": String(items),
    "transferred-bytes": String(bytes),
    plan: { S: JSON.stringify(plan) },
  };
  return work(message("TaskFinishing", detail, "TaskStepFailed"), ports);
}
