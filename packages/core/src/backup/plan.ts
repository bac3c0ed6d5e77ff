/**
 * A backup's plan: one commit point, the event it returns. Whatever happens before leaves only `task.json`, which
 * says whose prefix it is and lets a redelivered request go on with the very same plan.
 */
import { bucketOf } from "../archive/chain.ts";
import { dataPrefix, manifestFilesKey, manifestSummaryKey, tableKey, taskKey } from "../archive/keys.ts";
import { encodeTableSettings } from "../archive/table-settings.ts";
import { permanent } from "../errors.ts";
import { type BackupPlan, type FerryEvent, VERSION } from "../events.ts";
import type { Ports, TableDescription } from "../ports.ts";
import { IMPORT_FILES_MAX } from "../projection/notes.ts";
import type { Start } from "../registration.ts";
import type { BackupRequest } from "../request.ts";
import type { TaskRef } from "../task.ts";
import { isoOf } from "../time.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const SEGMENT_BYTES = 4 * GIB;
const DEFAULT_SEGMENTS_MAX = 64;
const DEFAULT_BATCH_BYTES = 32 * MIB;
/** A file is compressed in a worker's memory. */
const BATCH_BYTES_MAX = 256 * MIB;
/** The share of ImportTable's limit that is planned for: the table may grow while it is read. */
const FILES_MAX = 0.9 * IMPORT_FILES_MAX;

/** Accepts a valid backup request. Throws a permanent error: the reason to reject it. */
export async function planBackup(
  request: BackupRequest,
  task: TaskRef,
  { requestTimeMs, attempt, deadlineMs }: Start,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const table = await ports.tables.describe({ region: request["table-region"], name: request["table-name"] });
  const plan = await claimPrefix(derivePlan(request, task, requestTimeMs, table, ports), ports);
  await ports.archive.putNew(
    bucketOf(request),
    tableKey(request["bucket-prefix"]),
    encodeTableSettings(table),
    {
      metadata: { "request-id": task["request-id"] },
      contentType: "application/json",
      ...kmsOf(request),
    },
  );
  const segments = Array.from({ length: plan["total-segments"] }, (_, segment) => segment);
  return [
    {
      type: "TaskAccepted",
      detail: {
        version: VERSION,
        task: plan.task,
        plan,
        attempt,
        "deadline-ms": deadlineMs,
        segments,
      },
    },
  ];
}

/** Permanent error: `prefix-taken`, where the prefix was wiped since this backup began, or is another's by now. */
export async function requireOwnPrefix(plan: BackupPlan, ports: Ports): Promise<void> {
  const key = taskKey(plan.request["bucket-prefix"]);
  if ((await storedPlan(key, plan, ports)) === undefined) throw taken(plan, `${key} is not there any more.`);
}

/** The key that what is written is encrypted with, where the request names one. */
export function kmsOf(request: BackupRequest): { kmsKeyId?: string } {
  const kmsKeyId = request["kms-key-id"];
  return kmsKeyId === undefined ? {} : { kmsKeyId };
}

function derivePlan(
  request: BackupRequest,
  task: TaskRef,
  requestTimeMs: number,
  table: TableDescription,
  ports: Ports,
): BackupPlan {
  const segments =
    request["total-segments"] ??
    Math.min(
      Math.max(1, Math.ceil(table.sizeBytes / SEGMENT_BYTES)),
      DEFAULT_SEGMENTS_MAX,
      ports.settings.maximumSegments,
    );
  const wanted = request["batch-bytes"] ?? DEFAULT_BATCH_BYTES;
  const least = Math.min(Math.ceil(table.sizeBytes / FILES_MAX), BATCH_BYTES_MAX);
  const units =
    request["read-units"] ??
    (table.provisioned === undefined ? undefined : Math.max(1, Math.floor(table.provisioned.readUnits / 2)));
  return {
    request,
    task,
    "total-segments": segments,
    "batch-bytes": Math.max(wanted, least),
    "compression-level": request["compression-level"] ?? ports.settings.compressionLevel,
    ...(units !== undefined && {
      "read-units": units,
      ...(table.itemCount > 0 && { "item-bytes": Math.ceil(table.sizeBytes / table.itemCount) }),
    }),
    table: { arn: table.arn, keys: table.keys, ...(table.id !== undefined && { id: table.id }) },
    started: isoOf(requestTimeMs),
  };
}

/**
 * Puts `task.json`, or finds that this request did so before: then the **stored** plan holds, for a plan derived
 * anew may have another number of segments, and the chains would overlap.
 */
async function claimPrefix(plan: BackupPlan, ports: Ports): Promise<BackupPlan> {
  const { request, task } = plan;
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  const key = taskKey(prefix);
  const before = await storedPlan(key, plan, ports);
  if (before !== undefined) return before;
  await refuseLeftovers(plan, ports);
  const body = new TextEncoder().encode(`${JSON.stringify({ "format-version": 1, ...plan }, null, 2)}\n`);
  const put = await ports.archive.putNew(bucket, key, body, {
    metadata: { "request-id": task["request-id"] },
    contentType: "application/json",
    ...kmsOf(request),
  });
  if (put === "stored") return plan;
  const winner = await storedPlan(key, plan, ports);
  if (winner === undefined) throw new Error(`${key} exists and cannot be read`);
  return winner;
}

async function storedPlan(key: string, plan: BackupPlan, ports: Ports): Promise<BackupPlan | undefined> {
  const bucket = bucketOf(plan.request);
  const stored = await ports.archive.get(bucket, key);
  if (stored === undefined) return undefined;
  const found = readPlan(stored.body);
  if (found?.task.id !== plan.task.id) {
    const owner = found === undefined ? "something that is not Ferry" : `task ${found.task.id}`;
    throw taken(plan, `${key} says that ${owner} writes there.`);
  }
  return found;
}

function readPlan(body: Uint8Array): BackupPlan | undefined {
  try {
    const { "format-version": _, ...plan } = JSON.parse(new TextDecoder().decode(body));
    return typeof plan.task?.id === "string" ? (plan as BackupPlan) : undefined;
  } catch {
    return undefined;
  }
}

/** Any file of an archive without `task.json`: another tool's archive, or a wiped one under a late worker. */
async function refuseLeftovers(plan: BackupPlan, ports: Ports): Promise<void> {
  const bucket = bucketOf(plan.request);
  const prefix = plan.request["bucket-prefix"];
  const ours = [dataPrefix, tableKey, manifestFilesKey, manifestSummaryKey].map((key) => key(prefix));
  const listed = await Promise.all(ours.map((key) => ports.archive.list(bucket, key, { limit: 1 })));
  const found = listed.flat()[0];
  if (found !== undefined) throw taken(plan, `${found} is there already.`);
}

function taken(plan: BackupPlan, message: string) {
  return permanent("prefix-taken", {
    operation: "use prefix",
    resource: `s3://${plan.request["bucket-name"]}/${plan.request["bucket-prefix"]}/`,
    message,
    hint: "Every backup needs a prefix of its own: choose another bucket-prefix, for instance with {date} and {time} in it.",
  });
}
