/**
 * task.json: the plan of the backup that owns a prefix, put before any other object. A reader compares it with the rest of
 * the archive.
 */
import * as v from "valibot";
import { about, permanent } from "../errors/errors.ts";
import type { BackupPlan } from "../events/events.ts";
import { backupPlanSchema } from "../events/plan-schema.ts";
import type { Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { bucketOf, kmsOf } from "./bucket.ts";
import { decodeVersioned, FORMAT_VERSION } from "./format.ts";
import { dataPrefix, indexPrefix, manifestPrefix, tableKey, taskKey } from "./keys.ts";

const taskFileSchema = v.object({
  task: v.object({ "request-id": v.string() }),
  table: v.object({ keys: v.array(v.string()) }),
});

/** The parts of task.json that a restore compares with the rest of the archive. */
export interface TaskFile {
  readonly requestId: string;
  /** The names of the table's key attributes: hash first, then range. */
  readonly keyNames: readonly string[];
}

/** Decodes task.json. Permanent errors: `broken-archive`, `unknown-format`. */
export function decodeTaskFile(bucket: BucketAddress, key: string, bytes: Uint8Array): TaskFile {
  const { task, table } = decodeVersioned(taskFileSchema, bucket, key, bytes);
  return { requestId: task["request-id"], keyNames: table.keys };
}

/** Encodes task.json. */
function encodeTaskFile(plan: BackupPlan): Uint8Array {
  return new TextEncoder().encode(
    `${JSON.stringify({ "format-version": FORMAT_VERSION, ...plan }, null, 2)}\n`,
  );
}

/**
 * Puts `task.json`, or reads it if this request put it before. Returns the stored plan: a plan derived again may have another
 * number of segments, and the chains would overlap. Permanent error: `prefix-taken`, if another program or task wrote under
 * the prefix.
 */
export async function claimPrefix(plan: BackupPlan, ports: Pick<Ports, "archive">): Promise<BackupPlan> {
  const { request, task } = plan;
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  const key = taskKey(prefix);
  const before = await storedPlan(key, plan, ports);
  if (before !== undefined) return before;
  await refuseLeftovers(plan, ports);
  const put = await ports.archive.putNew(bucket, key, encodeTaskFile(plan), {
    metadata: { "request-id": task["request-id"] },
    contentType: "application/json",
    ...kmsOf(request),
  });
  if (put === "stored") return plan;
  const winner = await storedPlan(key, plan, ports);
  if (winner === undefined) throw new Error(`${key} exists and cannot be read`);
  return winner;
}

/** Permanent error: `prefix-taken`, if the prefix was emptied since this backup began, or belongs to another task now. */
export async function requireOwnPrefix(plan: BackupPlan, ports: Pick<Ports, "archive">): Promise<void> {
  const key = taskKey(plan.request["bucket-prefix"]);
  if ((await storedPlan(key, plan, ports)) === undefined) throw taken(plan, `${key} no longer exists.`);
}

async function storedPlan(
  key: string,
  plan: BackupPlan,
  ports: Pick<Ports, "archive">,
): Promise<BackupPlan | undefined> {
  const bucket = bucketOf(plan.request);
  const stored = await ports.archive.get(bucket, key);
  if (stored === undefined) return undefined;
  const found = readPlan(stored.body);
  if (found?.task.id !== plan.task.id) {
    const owner = found === undefined ? "another program" : `task ${found.task.id}`;
    throw taken(plan, `${key} belongs to ${owner}.`);
  }
  return found;
}

/** The plan in a task.json; undefined if it is not one of Ferry's. */
export function readPlan(body: Uint8Array): BackupPlan | undefined {
  try {
    const { "format-version": _, ...plan } = JSON.parse(new TextDecoder().decode(body));
    return v.is(backupPlanSchema, plan) ? plan : undefined;
  } catch {
    return undefined;
  }
}

/** Refuses a prefix with archive files but without `task.json`: another program's archive, or one that is being deleted. */
async function refuseLeftovers(plan: BackupPlan, ports: Pick<Ports, "archive">): Promise<void> {
  const bucket = bucketOf(plan.request);
  const prefix = plan.request["bucket-prefix"];
  const prefixes = [dataPrefix, tableKey, indexPrefix, manifestPrefix].map((key) => key(prefix));
  const listed = await Promise.all(prefixes.map((key) => ports.archive.list(bucket, key, { limit: 1 })));
  const found = listed.flat()[0]?.key;
  if (found !== undefined) throw taken(plan, `${found} exists already.`);
}

function taken(plan: BackupPlan, reason: string) {
  const resource = objectResource(bucketOf(plan.request), `${plan.request["bucket-prefix"]}/`);
  return permanent("prefix-taken", {
    operation: "use prefix",
    resource,
    message: about(`prefix ${resource}`, `is not free: ${reason}`),
    hint: "Each backup needs its own prefix: choose another bucket-prefix, for instance one with {date} and {time}.",
  });
}
