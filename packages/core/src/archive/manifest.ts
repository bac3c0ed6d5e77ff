/**
 * Reads an archive's manifest and checks it for consistency: manifest-summary.json, which marks an archive as complete,
 * manifest-files.json, and task.json and table.json of Ferry's own archives. Format: docs/archive-format.md.
 */

import { FerryError, permanent } from "../errors/errors.ts";
import type { RestorePlan } from "../events/events.ts";
import type { ObjectHead, Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { brokenArchive, brokenManifest } from "./errors.ts";
import { decodeFiles, type ManifestFile } from "./file-list.ts";
import {
  type ListPart,
  type OnFiles,
  type ReadList,
  readFileList,
  readListPart,
} from "./file-list-reader.ts";
import {
  type Fingerprint,
  fingerprintOf,
  gone,
  readFingerprint,
  requireSame,
  requireUnchanged,
} from "./fingerprint.ts";
import { checksumKey, manifestFilesKey, manifestSummaryKey, tableKey, taskKey } from "./keys.ts";
import { homeOf, type Location, locationOf, type ManifestKeys, readAt } from "./location.ts";
import { decodeSummary, type Summary } from "./summary.ts";
import { decodeKeySchema, type KeySchema } from "./table-settings.ts";
import { decodeTaskFile } from "./task-file.ts";

export interface Manifest {
  readonly location: Location;
  readonly items: number;
  /** The number of data files. */
  readonly files: number;
  /** The first data file with a line, with the key at which it is read; absent if none has one. */
  readonly firstFile?: ManifestFile;
  /** The content of a line: whole items, or changes (DynamoDB's incremental exports). */
  readonly lines: "items" | "changes";
  /** The export's time range, ISO 8601 with milliseconds, if it is known; `from` only for incremental exports. */
  readonly window?: Summary["window"];
  /** The exported table, as far as the summary names it. */
  readonly table: { readonly arn?: string; readonly id?: string };
  /** Whether Ferry wrote the archive. */
  readonly own: boolean;
  /** Uncompressed bytes of all data files; absent if Ferry did not write the archive. */
  readonly bytes?: number;
  /** The key schema of the archive's items; absent if there is no table.json. */
  readonly keys?: KeySchema;
  /** The fingerprints of the objects on which the restore is based. */
  readonly objects: Pick<RestorePlan["manifest"]["objects"], "summary" | "task">;
  /** The fingerprint and the size of manifest-files.json. */
  readonly list: Fingerprint & { readonly bytes: number };
}

type ReadPorts = Pick<Ports, "archive" | "codec">;

/**
 * Reads the manifest of Ferry's archive or of a native export. Calls `onFiles` with the data files, some at a time and in order, each
 * with the key at which it is read; they are checked only when the promise resolves. Permanent errors: `no-manifest` (no backup, or an
 * unfinished one), `broken-manifest`, `broken-archive`, `unknown-format`, `archive-moved`.
 */
export async function readManifest(
  bucket: BucketAddress,
  prefix: string,
  keys: ManifestKeys,
  ports: ReadPorts,
  onFiles: OnFiles = () => {},
): Promise<Manifest> {
  const { md5 } = ports.codec;
  const summaryKey = manifestSummaryKey(prefix);
  const stored = await ports.archive.get(bucket, summaryKey);
  if (stored === undefined) throw noManifest(bucket, summaryKey);
  const summary = decodeSummary(bucket, summaryKey, stored.body);
  const location = locationOf(bucket, prefix, summary.manifestFilesS3Key, {
    keys,
    shared: summary.lines === "changes",
  });
  const filesKey = readAt(bucket, location, summary.manifestFilesS3Key);
  let firstFile: ManifestFile | undefined;
  const list = await readFileList(
    bucket,
    filesKey,
    {
      missing: () => brokenManifest(bucket, filesKey, "does not exist, although the summary names it"),
      onFiles(listed) {
        const files = listed.map((file) => atItsKey(bucket, location, file));
        firstFile ??= files.find(({ itemCount }) => itemCount > 0);
        onFiles(files);
      },
    },
    ports,
  );
  requireMatch(bucket, filesKey, list, summary);
  const manifest = {
    location,
    items: list.items,
    files: list.files,
    ...(firstFile !== undefined && { firstFile }),
    list: { ...list.fingerprint, bytes: list.head.sizeBytes },
    lines: summary.lines,
    table: summary.table,
    ...(summary.window !== undefined && { window: summary.window }),
  };
  const objects = { summary: fingerprintOf(stored, md5) };
  const { ferry } = summary;
  if (ferry === undefined) {
    await requireChecksums(
      bucket,
      [
        [summaryKey, objects.summary],
        [filesKey, list.fingerprint],
      ],
      ports,
    );
    const table = await ports.archive.get(bucket, tableKey(homeOf(location)));
    const keys = table && decodeKeySchema(bucket, tableKey(homeOf(location)), table.body);
    return { ...manifest, own: false, ...(keys !== undefined && { keys }), objects };
  }
  const own = await readOwnObjects(
    bucket,
    homeOf(location),
    ferry["request-id"],
    [
      [summaryKey, stored.head],
      [filesKey, list.head],
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

function noManifest(bucket: BucketAddress, summaryKey: string) {
  return permanent("no-manifest", {
    operation: "read manifest",
    resource: objectResource(bucket, summaryKey),
    predicate: "does not exist, so this prefix holds no backup, or an unfinished one",
    hint: "Check bucket-name, bucket-prefix and bucket-region, and that the backup or export succeeded.",
  });
}

/** The list of files must be the one for which the summary was written. */
function requireMatch(bucket: BucketAddress, filesKey: string, list: ReadList, summary: Summary): void {
  const broken = (predicate: string) => brokenManifest(bucket, filesKey, predicate);
  if (list.items !== summary.itemCount)
    throw broken(`lists ${list.items} items, but the summary's itemCount is ${summary.itemCount}`);
  const { ferry } = summary;
  if (ferry === undefined) return;
  if (ferry["manifest-files-md5"] !== list.fingerprint.md5)
    throw broken(
      `is not the file that the summary was written for: its MD5 is ${list.fingerprint.md5}, but ferry.manifest-files-md5 is ${ferry["manifest-files-md5"]}`,
    );
  if (ferry.files !== list.files)
    throw broken(`lists ${list.files} data files, but ferry.files of the summary is ${ferry.files}`);
}

/** What a plan has of an archive to find it again. */
type PlannedArchive = Pick<RestorePlan["manifest"], "location" | "objects" | "list">;

/**
 * Reads the data files of a segment again: those of one part of the list. Permanent error: `archive-changed`, if an object on which
 * the plan is based changed.
 */
export async function readPlannedPart(
  bucket: BucketAddress,
  { location, objects, list }: PlannedArchive & Required<Pick<PlannedArchive, "list">>,
  part: ListPart,
  ports: ReadPorts,
): Promise<readonly ManifestFile[]> {
  const key = manifestFilesKey(homeOf(location));
  const missing = () => gone(bucket, key, list);
  const [files] = await Promise.all([
    readListPart(bucket, key, list, part, missing, ports).catch(async (error: unknown) => {
      if (!(error instanceof FerryError && error.code === "object-changed")) throw error;
      // For the message.
      requireSame(bucket, key, list, await readFingerprint(bucket, key, missing, ports));
      throw error;
    }),
    requireUnchangedObjects(bucket, { location, objects }, ports),
  ]);
  return files.map((file) => atItsKey(bucket, location, file));
}

/**
 * Reads the whole list of data files again: for a plan of a version that had no `list`. Permanent error: `archive-changed`, as
 * `readPlannedPart`.
 */
export async function readPlannedFiles(
  bucket: BucketAddress,
  { location, objects }: PlannedArchive,
  ports: ReadPorts,
): Promise<readonly ManifestFile[]> {
  const key = manifestFilesKey(homeOf(location));
  const read = await ports.archive.get(bucket, key);
  const stored = requireUnchanged(bucket, key, objects.files!, read, ports.codec.md5);
  await requireUnchangedObjects(bucket, { location, objects }, ports);
  return decodeFiles(stored.body).map((file) => atItsKey(bucket, location, file));
}

/** Reads the objects on which a plan is based again. Permanent error: `archive-changed`, if one changed. */
export async function requirePlannedArchive(
  bucket: BucketAddress,
  { location, objects, list }: PlannedArchive,
  ports: ReadPorts,
): Promise<void> {
  const key = manifestFilesKey(homeOf(location));
  const planned = list ?? objects.files!;
  const [found] = await Promise.all([
    readFingerprint(bucket, key, () => gone(bucket, key, planned), ports),
    requireUnchangedObjects(bucket, { location, objects }, ports),
  ]);
  requireSame(bucket, key, planned, found);
}

/** Compares the objects on which a plan is based, except the list of data files. */
async function requireUnchangedObjects(
  bucket: BucketAddress,
  { location, objects }: PlannedArchive,
  { archive, codec }: ReadPorts,
): Promise<void> {
  const check = async (key: string, planned: Fingerprint) =>
    requireUnchanged(bucket, key, planned, await archive.get(bucket, key), codec.md5);
  await Promise.all([
    check(manifestSummaryKey(location.prefix), objects.summary),
    ...(objects.task === undefined ? [] : [check(taskKey(homeOf(location)), objects.task)]),
  ]);
}

/** A listed file with the key at which it is read. Permanent error: `archive-moved`. */
function atItsKey(bucket: BucketAddress, location: Location, file: ManifestFile): ManifestFile {
  return { ...file, dataFileS3Key: readAt(bucket, location, file.dataFileS3Key) };
}

/**
 * Compares the manifest files with their checksums. DynamoDB and Ferry put the MD5 of each file beside it, base64, with `.md5` instead
 * of `.json` in its name. Tools that copy an export may omit these objects, so a missing one is not an error.
 */
async function requireChecksums(
  bucket: BucketAddress,
  files: readonly (readonly [key: string, fingerprint: Fingerprint])[],
  ports: ReadPorts,
): Promise<void> {
  const check = async ([key, { md5 }]: (typeof files)[number]) => {
    const stored = await ports.archive.get(bucket, checksumKey(key));
    if (stored === undefined) return;
    const expected = new TextDecoder().decode(stored.body).trim();
    if (expected !== md5)
      throw brokenManifest(bucket, key, `has MD5 ${md5}, but ${checksumKey(key)} contains ${expected}`);
  };
  await Promise.all(files.map(check));
}

/** Reads task.json and table.json, which must exist and must have the same request-id and the same keys. */
async function readOwnObjects(
  bucket: BucketAddress,
  home: string,
  requestId: string,
  manifest: readonly (readonly [key: string, head: ObjectHead])[],
  ports: ReadPorts,
): Promise<{ keys: KeySchema; task: Fingerprint }> {
  const broken = (key: string, predicate: string) => brokenArchive(bucket, key, predicate);
  const required = async (key: string) => {
    const stored = await ports.archive.get(bucket, key);
    if (stored === undefined)
      throw broken(key, "does not exist, although every archive that Ferry writes has it");
    return stored;
  };
  const [task, table] = await Promise.all([required(taskKey(home)), required(tableKey(home))]);
  const { requestId: writer, keyNames } = decodeTaskFile(bucket, taskKey(home), task.body);
  if (writer !== requestId)
    throw broken(
      taskKey(home),
      `is of request ${writer}, but ferry.request-id of the summary is ${requestId}`,
    );
  for (const [key, { metadata }] of [
    ...manifest,
    [taskKey(home), task.head],
    [tableKey(home), table.head],
  ] as const) {
    // Tools that copy objects may drop their metadata.
    const named = metadata["request-id"];
    if (named !== undefined && named !== requestId)
      throw broken(
        key,
        `was written by request ${named}, but ferry.request-id of the summary is ${requestId}`,
      );
  }
  const keys = decodeKeySchema(bucket, tableKey(home), table.body);
  if (keys.map(({ name }) => name).join() !== keyNames.join())
    throw broken(
      tableKey(home),
      `has the keys ${keys.map(({ name }) => name).join()}, but task.json has ${keyNames.join()}`,
    );
  return { keys, task: fingerprintOf(task, ports.codec.md5) };
}
