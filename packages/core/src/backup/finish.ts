/**
 * Finishes a backup: compares the index of every chain with the stored files, then puts the manifest, which marks the archive as
 * complete. It takes a few calls for each segment, and memory for a few indexes at once, whatever the number of data files.
 */
import { bucketOf, kmsOf } from "../archive/bucket.ts";
import { readFingerprint } from "../archive/fingerprint.ts";
import { checksumKey, manifestFilesKey, manifestSummaryKey } from "../archive/keys.ts";
import { readManifest } from "../archive/manifest.ts";
import { encodeSummary } from "../archive/summary.ts";
import { requireOwnPrefix } from "../archive/task-file.ts";
import { continueFinishing } from "../events/continue-finishing.ts";
import {
  type BackupPlan,
  type FerryEvent,
  type MessageWith,
  type TaskFinishing,
  VERSION,
} from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { incomplete, readIndexes } from "./indexes.ts";

/**
 * Puts the manifest. If it exists already, checks it and returns the same event. If the invocation's time does not suffice to check all
 * segments, returns the event with which the next invocation continues. `endedTime`: ISO 8601, for the summary. Permanent errors:
 * `prefix-taken`, `archive-incomplete`, `broken-manifest`, and those of `readIndexes`.
 */
export async function finishBackup(
  finishing: MessageWith<BackupPlan, TaskFinishing>,
  endedTime: string,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const { plan } = finishing;
  const { request, task } = plan;
  const bucket = bucketOf(request);
  const prefix = request["bucket-prefix"];
  await requireOwnPrefix(plan, ports);
  const indexes = await readIndexes(plan, finishing["checked-segments"] ?? 0, ports);
  if (typeof indexes === "number") return [continueFinishing({ ...finishing, "checked-segments": indexes })];
  const { files, items, bytes, list, md5: filesMd5 } = indexes;
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
  const filesKey = manifestFilesKey(prefix);
  const unreadable = (key: string) => new Error(`${key} exists and cannot be read`);
  if ((await ports.archive.putNew(bucket, filesKey, list, options)) === "exists") {
    const stored = await readFingerprint(bucket, filesKey, () => unreadable(filesKey), ports);
    if (stored.md5 !== filesMd5)
      throw incomplete(plan, "manifest-files.json lists other files than the segments have");
  }
  await putChecksum(filesKey, filesMd5);
  const summaryKey = manifestSummaryKey(prefix);
  const summary = encodeSummary({ plan, files, items, bytes, filesMd5, ended: endedTime });
  await putChecksum(summaryKey, ports.codec.md5(await putOrRead(summaryKey, summary)));
  // Another worker or program may have put the summary first: check the manifest that a restore will read.
  const manifest = await readManifest(bucket, prefix, "as-listed", ports);
  if (manifest.location.writtenFor !== prefix || manifest.items !== items || manifest.list.md5 !== filesMd5)
    throw incomplete(plan, "manifest-summary.json belongs to another backup");
  return [{ type: "TaskFinished", detail: { version: VERSION, task, attempt: finishing.attempt, items } }];

  /** Puts the MD5 of a manifest object beside it, as DynamoDB does: base64 without a line feed. */
  async function putChecksum(key: string, checksum: string): Promise<void> {
    const type = { ...options, contentType: "text/plain" };
    await ports.archive.putNew(bucket, checksumKey(key), new TextEncoder().encode(checksum), type);
  }

  /** Puts an object; if the key exists, returns the stored bytes instead. */
  async function putOrRead(key: string, bytes: Uint8Array): Promise<Uint8Array> {
    if ((await ports.archive.putNew(bucket, key, bytes, options)) === "stored") return bytes;
    const stored = await ports.archive.get(bucket, key);
    if (stored === undefined) throw unreadable(key);
    return stored.body;
  }
}
