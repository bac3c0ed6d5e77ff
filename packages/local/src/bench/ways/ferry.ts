/**
 * Ferry: one slice of a segment, with the adapters of the deployed worker.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { workerPorts } from "@ferry/aws/lambda/worker-ports";
import { sliceBackup } from "@ferry/core/backup/slice";
import {
  type BackupPlan,
  type FerryEvent,
  type MessageWith,
  noCounts,
  type Plan,
  type RestorePlan,
  type SegmentWork,
  VERSION,
} from "@ferry/core/events/events";
import type { Ports } from "@ferry/core/ports";
import { sliceRestore } from "@ferry/core/restore/slice";
import { defaultSettings } from "@ferry/core/settings/settings";
import { benchBucket, prefix, table } from "../fixture.ts";
import type { Setup, Way } from "./way.ts";

/** Longer than any run. */
const INVOCATION_MS = 24 * 3_600_000;

export const ferry: Way = {
  backup(setup, segment) {
    const ports = connect();
    const work = workOf(backupPlan(setup), segment);
    return async () => requireComplete(await sliceBackup(work, ports, () => {}), setup);
  },
  restore(setup) {
    const ports = connect();
    const work = workOf(restorePlan(setup), 0);
    return async () => requireComplete(await sliceRestore(work, ports, () => {}), setup);
  },
};

function connect(): Ports {
  return {
    ...workerPorts({
      workerTable: "worker-table",
      statusTables: { backup: "backup-table", restore: "restore-table" },
      bus: "bench",
    }),
    time: {
      now: Date.now,
      remainingMs: () => INVOCATION_MS,
      sleep: (ms) => sleep(ms),
    },
    settings: { ...defaultSettings, sliceBudgetMs: INVOCATION_MS, progressIntervalMs: INVOCATION_MS },
  };
}

const requestFields = {
  "table-region": table.region,
  "table-name": table.name,
  "bucket-region": benchBucket.region,
  "bucket-name": benchBucket.name,
  "bucket-prefix": prefix,
} as const;
const tableFields = {
  arn: `arn:aws:dynamodb:${table.region}:123456789012:table/${table.name}`,
  keys: ["id"],
} as const;

function taskOf(action: "backup" | "restore") {
  return { id: "bench", action, key: "bench", "request-id": "bench", timestamp: 1_793_498_400_000 } as const;
}

function backupPlan({ case: { compression, fileBytes, slices } }: Setup): BackupPlan {
  return {
    request: { action: "backup", ...requestFields },
    task: taskOf("backup"),
    "total-segments": slices,
    "batch-bytes": fileBytes,
    compression: compression.format,
    "compression-level": compression.level,
    table: tableFields,
    started: "2026-11-01T02:00:00.000Z",
  };
}

function restorePlan({ ready }: Setup): RestorePlan {
  return {
    request: { action: "restore", ...requestFields, "restore-mode": "merge" },
    task: taskOf("restore"),
    "total-segments": 1,
    table: { ...tableFields, "key-types": ["S"] },
    manifest: {
      own: true,
      location: { prefix, writtenFor: prefix, keys: "own", shared: false },
      items: ready.items,
      files: ready.files,
      bytes: ready.bytes,
      objects: ready.objects,
      lines: "items",
    },
  };
}

function workOf<P extends Plan>(plan: P, segment: number): MessageWith<P, SegmentWork> {
  return {
    version: VERSION,
    task: plan.task,
    plan,
    attempt: 1,
    "deadline-ms": Date.now() + INVOCATION_MS,
    segment,
    cursor: plan.task.action === "backup" ? { batch: 0 } : { file: 0, line: 0 },
    counts: noCounts,
    handoffs: 0,
    "handoffs-without-progress": 0,
  };
}

/** A slice that did not move everything is not measured. */
function requireComplete([event]: readonly FerryEvent[], { ready: { items, bytes } }: Setup): undefined {
  const counts = event?.type === "SegmentCompleted" ? event.detail.counts : undefined;
  if (counts?.items !== items || counts.bytes !== bytes)
    throw new Error(
      `the slice ended with ${JSON.stringify(counts ?? event)}, not with ${items} items of ${bytes} bytes`,
    );
}
