/**
 * Finishes a backup: checks every chain to its end, then puts the manifest, which marks the archive as complete.
 */
import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { type ChainFile, readChain } from "../archive/chain.ts";
import { decodeFiles, encodeFiles } from "../archive/file-list.ts";
import { checksumKey, manifestFilesKey, manifestSummaryKey } from "../archive/keys.ts";
import { readManifest } from "../archive/manifest.ts";
import { encodeSummary } from "../archive/summary.ts";
import { requireOwnPrefix } from "../archive/task-file.ts";
import { about, permanent } from "../errors/errors.ts";
import { type BackupPlan, type FerryEvent, type TaskFinishing, VERSION } from "../events/events.ts";
import type { Ports } from "../ports.ts";

/** The number of chains that are read concurrently. */
const CHAINS_AT_ONCE = 4;

/**
 * Puts the manifest. If it exists already, checks it and returns the same event. `endedTime`: ISO 8601, for the summary.
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
    throw incomplete(
      plan,
      `the files hold ${items} items, but the segments reported ${finishing["transferred-items"]}`,
    );

  const options = {
    metadata: { "request-id": task["request-id"] },
    contentType: "application/json",
    ...kmsOf(request),
  };
  const expectedFiles = files.map(toManifest);
  const filesKey = manifestFilesKey(prefix);
  const listed = await putOrRead(filesKey, encodeFiles(expectedFiles));
  const listedFiles = decodeFiles(listed);
  if (JSON.stringify(listedFiles) !== JSON.stringify(expectedFiles))
    throw incomplete(plan, "manifest-files.json lists other files than the segments have");
  const summary = encodeSummary({
    plan,
    files: listedFiles,
    filesMd5: ports.codec.md5(listed),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    ended: endedTime,
  });
  await putChecksum(filesKey, listed);
  const summaryKey = manifestSummaryKey(prefix);
  await putChecksum(summaryKey, await putOrRead(summaryKey, summary));
  // Another worker or program may have put the summary first: check the manifest that a restore will read.
  const manifest = await readManifest(bucket, prefix, "as-listed", ports);
  if (manifest.location.writtenFor !== prefix || manifest.items !== items)
    throw incomplete(plan, "manifest-summary.json belongs to another backup");
  return [{ type: "TaskFinished", detail: { version: VERSION, task, attempt: finishing.attempt, items } }];

  /** Puts the MD5 of a manifest object beside it, as DynamoDB does: base64 without a line feed. */
  async function putChecksum(key: string, bytes: Uint8Array): Promise<void> {
    const checksum = ports.codec.md5(bytes);
    const type = { ...options, contentType: "text/plain" };
    await ports.archive.putNew(bucket, checksumKey(key), new TextEncoder().encode(checksum), type);
  }

  /** Puts an object; if the key exists, returns the stored bytes instead. */
  async function putOrRead(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    if ((await ports.archive.putNew(bucket, key, bytes, options)) === "stored") return bytes;
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
  if (files.at(-1)?.end !== true) throw incomplete(plan, `segment ${segment} has no last file`);
  return files;
}

function toManifest(file: ChainFile) {
  // An ETag's quotes belong to the HTTP header.
  const etag = file.etag.replaceAll('"', "");
  return { itemCount: file.items, md5Checksum: file.md5, etag, dataFileS3Key: file.key };
}

function incomplete(plan: BackupPlan, reason: string) {
  const resource = `s3://${plan.request["bucket-name"]}/${plan.request["bucket-prefix"]}/`;
  return permanent("archive-incomplete", {
    operation: "finish backup",
    resource,
    message: about(`archive ${resource}`, `is not as its segments wrote it: ${reason}`),
    hint: "Another program wrote or deleted objects under this prefix: back up again, to a prefix that nothing else uses.",
  });
}
