/**
 * Seals a backup: every chain is walked to its end, and the manifest, put last, makes the archive a backup.
 */
import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { type ChainFile, readChain } from "../archive/chain.ts";
import { decodeFiles, encodeFiles } from "../archive/file-list.ts";
import { manifestFilesKey, manifestSummaryKey } from "../archive/keys.ts";
import { readManifest } from "../archive/manifest.ts";
import { encodeSummary } from "../archive/summary.ts";
import { requireOwnPrefix } from "../archive/task-file.ts";
import { permanent } from "../errors.ts";
import { type BackupPlan, type FerryEvent, type TaskFinishing, VERSION } from "../events.ts";
import type { Ports } from "../ports.ts";

/** How many segments' chains are walked at once. */
const CHAINS_AT_ONCE = 4;

/**
 * Puts the manifest, or finds that it was put before, and says so. `endedTime`: ISO 8601, for the summary.
 * Permanent errors: `prefix-taken`, `archive-incomplete`, `broken-manifest`, and those of `readChain`.
 */
export async function finishBackup(
  finishing: TaskFinishing,
  endedTime: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const plan = finishing.plan as BackupPlan;
  const { request, task } = plan;
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  await requireOwnPrefix(plan, ports);
  const chains = await readChains(plan, ports);
  const files = chains.flat();
  const items = files.reduce((sum, file) => sum + file.items, 0);
  if (items !== finishing["transferred-items"])
    throw unsealed(
      plan,
      `the files hold ${items} items where the segments reported ${finishing["transferred-items"]}`,
    );

  const about = {
    metadata: { "request-id": task["request-id"] },
    contentType: "application/json",
    ...kmsOf(request),
  };
  const chained = files.map(toManifest);
  const listed = await putOrRead(manifestFilesKey(prefix), encodeFiles(chained));
  const listedFiles = decodeFiles(listed);
  if (JSON.stringify(listedFiles) !== JSON.stringify(chained))
    throw unsealed(plan, "manifest-files.json lists other files than those that are there");
  const summary = encodeSummary({
    plan,
    files: listedFiles,
    filesMd5: ports.codec.md5(listed),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ended: endedTime,
  });
  await ports.archive.putNew(bucket, manifestSummaryKey(prefix), summary, about);
  // Ours, that of whoever came first, or something else: what is told as finished is what a restore will read.
  const sealed = await readManifest(bucket, prefix, "as-listed", ports);
  if (sealed.location.writtenFor !== prefix || sealed.items !== items)
    throw unsealed(plan, "manifest-summary.json is another backup's");
  return [{ type: "TaskFinished", detail: { version: VERSION, task, attempt: finishing.attempt, items } }];

  /** The bytes that are stored under the key: ours, or those of whoever came first. */
  async function putOrRead(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    if ((await ports.archive.putNew(bucket, key, bytes, about)) === "stored") return bytes;
    const stored = await ports.archive.get(bucket, key);
    if (stored === undefined) throw new Error(`${key} exists and cannot be read`);
    return stored.body;
  }
}

async function readChains(plan: BackupPlan, ports: Ports): Promise<ChainFile[][]> {
  const chains: ChainFile[][] = [];
  for (let at = 0; at < plan["total-segments"]; at += CHAINS_AT_ONCE) {
    const upTo = Math.min(at + CHAINS_AT_ONCE, plan["total-segments"]);
    const segments = Array.from({ length: upTo - at }, (_, i) => at + i);
    chains.push(...(await Promise.all(segments.map((segment) => readEnded(plan, segment, ports)))));
  }
  return chains;
}

async function readEnded(plan: BackupPlan, segment: number, ports: Ports): Promise<ChainFile[]> {
  const files = await readChain(plan, segment, 0, ports);
  if (files.at(-1)?.end !== true) throw unsealed(plan, `segment ${segment} has no last file`);
  return files;
}

function toManifest(file: ChainFile) {
  return { itemCount: file.items, md5Checksum: file.md5, etag: file.etag, dataFileS3Key: file.key };
}

function unsealed(plan: BackupPlan, message: string) {
  return permanent("archive-incomplete", {
    operation: "finish backup",
    resource: `s3://${plan.request["bucket-name"]}/${plan.request["bucket-prefix"]}/`,
    message: `${message}.`,
    hint: "Something else wrote or deleted under this prefix: back up again to a prefix of its own.",
  });
}
