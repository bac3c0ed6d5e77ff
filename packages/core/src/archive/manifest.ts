/**
 * An archive's manifest, read and checked against itself: manifest-summary.json, which makes an archive a backup,
 * manifest-files.json, and of Ferry's own archives task.json and table.json. Format: docs/archive-format.md.
 */
import { permanent } from "../errors.ts";
import type { RestorePlan } from "../events.ts";
import type { BucketAddress, Ports } from "../ports.ts";
import { brokenArchive, brokenManifest, readable } from "./errors.ts";
import { decodeFiles, type ManifestFile, total } from "./file-list.ts";
import { type Fingerprint, fingerprintOf, requireUnchanged, type StoredObject } from "./fingerprint.ts";
import { manifestFilesKey, manifestSummaryKey, tableKey, taskKey } from "./keys.ts";
import { homeOf, type Location, locationOf, type ManifestKeys, readAt } from "./location.ts";
import { decodeSummary, type Summary } from "./summary.ts";
import { decodeKeySchema, type KeySchema } from "./table-settings.ts";
import { decodeTaskFile } from "./task-file.ts";

export interface Manifest {
  readonly location: Location;
  readonly items: number;
  /** The data files, each with the key at which it is read. */
  readonly files: readonly ManifestFile[];
  /** What a line holds: whole items, or changes (DynamoDB's incremental exports). */
  readonly lines: "items" | "changes";
  /** The export's time range, ISO 8601 with milliseconds, where it says one; `from` of an incremental export alone. */
  readonly window?: Summary["window"];
  /** Whether Ferry wrote the archive. */
  readonly own: boolean;
  /** Uncompressed bytes of all data files; absent where Ferry did not write the archive. */
  readonly bytes?: number;
  /** The key schema of the archive's items; absent where nothing but the items tells it. */
  readonly keys?: KeySchema;
  /** The objects that say what is restored, as they were read. */
  readonly objects: RestorePlan["manifest"]["objects"];
}

type Reading = Pick<Ports, "archive" | "codec">;

/**
 * Reads an archive's manifest, Ferry's or a native export's. Permanent errors: `no-manifest` (not a backup, or not a
 * finished one), `broken-manifest`, `broken-archive`, `unknown-format`, `archive-moved`.
 */
export async function readManifest(
  bucket: BucketAddress,
  prefix: string,
  keys: ManifestKeys,
  ports: Reading,
): Promise<Manifest> {
  const { md5 } = ports.codec;
  const summaryKey = manifestSummaryKey(prefix);
  const stored = await ports.archive.get(bucket, summaryKey);
  if (stored === undefined)
    throw permanent("no-manifest", {
      operation: "read manifest",
      resource: `s3://${bucket.name}/${summaryKey}`,
      message: "does not exist, so this prefix holds no backup, or one that did not finish.",
      hint: "Check bucket-name, bucket-prefix and bucket-region, and that the backup or export succeeded.",
    });
  const summary = decodeSummary(bucket, summaryKey, stored.body);
  const location = locationOf(bucket, prefix, summary.manifestFilesS3Key, {
    keys,
    shared: summary.lines === "changes",
  });
  const filesKey = readAt(bucket, location, summary.manifestFilesS3Key);
  const listed = await ports.archive.get(bucket, filesKey);
  if (listed === undefined)
    throw brokenManifest(bucket, filesKey, "does not exist, though the summary names it");
  const files = readable(
    () => decodeFiles(listed.body),
    (message) => brokenManifest(bucket, filesKey, message),
  );
  if (total(files) !== summary.itemCount)
    throw brokenManifest(
      bucket,
      filesKey,
      `lists ${total(files)} items where the summary says ${summary.itemCount}`,
    );
  const manifest = {
    location,
    items: summary.itemCount,
    files: files.map((file) => ({ ...file, dataFileS3Key: readAt(bucket, location, file.dataFileS3Key) })),
    lines: summary.lines,
    ...(summary.window !== undefined && { window: summary.window }),
  };
  const objects = { summary: fingerprintOf(stored, md5), files: fingerprintOf(listed, md5) };
  const { ferry } = summary;
  if (ferry === undefined) {
    await requireChecksums(
      bucket,
      [
        [summaryKey, objects.summary],
        [filesKey, objects.files],
      ],
      ports,
    );
    const table = await ports.archive.get(bucket, tableKey(homeOf(location)));
    const keys = table && decodeKeySchema(bucket, tableKey(homeOf(location)), table.body);
    return { ...manifest, own: false, ...(keys !== undefined && { keys }), objects };
  }
  if (ferry["manifest-files-md5"] !== objects.files.md5)
    throw brokenManifest(
      bucket,
      filesKey,
      `is not the file that the summary was written for: its MD5 is ${objects.files.md5}, ferry.manifest-files-md5 is ${ferry["manifest-files-md5"]}`,
    );
  if (ferry.files !== files.length)
    throw brokenManifest(
      bucket,
      filesKey,
      `lists ${files.length} data files where ferry.files of the summary is ${ferry.files}`,
    );
  const own = await readOwnObjects(
    bucket,
    homeOf(location),
    ferry["request-id"],
    [
      [summaryKey, stored],
      [filesKey, listed],
    ],
    ports,
  );
  return {
    ...manifest,
    own: true,
    bytes: ferry.bytes,
    keys: own.keys,
    objects: { ...objects, task: own.task },
  };
}

/**
 * The data files that a restore was planned for, from the manifest as it is now. Permanent error: `archive-changed`,
 * where an object that the plan rests on is another by now.
 */
export async function readPlannedFiles(
  bucket: BucketAddress,
  plan: RestorePlan,
  ports: Reading,
): Promise<readonly ManifestFile[]> {
  const { location, objects } = plan.manifest;
  const home = homeOf(location);
  const unchanged = async (key: string, planned: Fingerprint) =>
    requireUnchanged(bucket, key, planned, await ports.archive.get(bucket, key), ports.codec.md5);
  const [listed] = await Promise.all([
    unchanged(manifestFilesKey(home), objects.files),
    unchanged(manifestSummaryKey(location.prefix), objects.summary),
    ...(objects.task === undefined ? [] : [unchanged(taskKey(home), objects.task)]),
  ]);
  return decodeFiles(listed.body).map((file) => ({
    ...file,
    dataFileS3Key: readAt(bucket, location, file.dataFileS3Key),
  }));
}

/**
 * DynamoDB puts the MD5 of each manifest file beside it, base64, under the name with `.md5` for `.json`. Tools that copy an
 * export may leave them behind, so a missing one is no fault.
 */
async function requireChecksums(
  bucket: BucketAddress,
  files: readonly (readonly [key: string, read: Fingerprint])[],
  ports: Reading,
): Promise<void> {
  const check = async ([key, { md5 }]: (typeof files)[number]) => {
    const beside = key.replace(/\.json$/, ".md5");
    const stored = await ports.archive.get(bucket, beside);
    if (stored === undefined) return;
    const expected = new TextDecoder().decode(stored.body).trim();
    if (expected !== md5)
      throw brokenManifest(bucket, key, `has MD5 ${md5} where ${beside} says ${expected}`);
  };
  await Promise.all(files.map(check));
}

/** What Ferry puts beside its data files: it must be there, of one request, and of one key schema. */
async function readOwnObjects(
  bucket: BucketAddress,
  home: string,
  requestId: string,
  manifest: readonly (readonly [key: string, stored: StoredObject])[],
  ports: Reading,
): Promise<{ keys: KeySchema; task: Fingerprint }> {
  const required = async (key: string) => {
    const stored = await ports.archive.get(bucket, key);
    if (stored === undefined)
      throw brokenArchive(bucket, key, "does not exist, though every archive of Ferry's has it");
    return stored;
  };
  const [task, table] = await Promise.all([required(taskKey(home)), required(tableKey(home))]);
  const { requestId: writer, keyNames } = decodeTaskFile(bucket, taskKey(home), task.body);
  if (writer !== requestId)
    throw brokenArchive(
      bucket,
      taskKey(home),
      `is of request ${writer} where ferry.request-id of the summary is ${requestId}`,
    );
  for (const [key, { head }] of [...manifest, [taskKey(home), task], [tableKey(home), table]] as const) {
    // A tool that copies objects may leave their metadata behind.
    const named = head.metadata["request-id"];
    if (named !== undefined && named !== requestId)
      throw brokenArchive(
        bucket,
        key,
        `was written by request ${named} where ferry.request-id of the summary is ${requestId}`,
      );
  }
  const keys = decodeKeySchema(bucket, tableKey(home), table.body);
  if (keys.map(({ name }) => name).join() !== keyNames.join())
    throw brokenArchive(
      bucket,
      tableKey(home),
      `has the keys ${keys.map(({ name }) => name).join()} where task.json has ${keyNames.join()}`,
    );
  return { keys, task: fingerprintOf(task, ports.codec.md5) };
}
