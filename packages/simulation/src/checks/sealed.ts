/**
 * The objects and metadata of a sealed archive besides its items agree exactly with docs/archive-format.md.
 */
import type { BackupPlan } from "@ferry/core/events/events";
import type { TaskRow } from "@ferry/core/projection/status";
import { md5 } from "@ferry/memory/ports";
import { bucket } from "@ferry/memory/testing/tasks";
import type { Scenario } from "../scenario/scenario.ts";
import type { TaskRequest } from "./answers.ts";
import { bytesOf, type DataFile, hex } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { taskLabel } from "./recorder.ts";

type Json = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder();
/** The byte of gzip's header that distinguishes the fastest and the smallest level from the others. */
const LEVEL_AT = 8;
/** A growing table has this size per segment of its plan. */
const SEGMENT_BYTES = 4 * 1024 ** 3;
/** The most files of an archive: below the limit of ImportTable. */
const FILES_MAX = 45_000;

/** A sealed archive, and what it must agree with. `differs` notes a violation if two values differ as JSON. */
interface Sealed {
  readonly row: TaskRow;
  readonly request: TaskRequest;
  /** The data files of all chains, in order. */
  readonly files: readonly DataFile[];
  readonly outcome: Outcome;
  readonly prefix: string;
  /** An object below the prefix. */
  readonly get: (name: string) => ReturnType<Outcome["archive"]["get"]>;
  readonly differs: (what: string, is: unknown, expected: unknown) => void;
  readonly found: string[];
}

/** `files`: the data files of all chains, in order. */
export async function formatViolations(
  row: TaskRow,
  request: TaskRequest,
  files: readonly DataFile[],
  outcome: Outcome,
): Promise<string[]> {
  const prefix = String(request.fields["bucket-prefix"]);
  const found: string[] = [];
  const sealed: Sealed = {
    row,
    request,
    files,
    outcome,
    prefix,
    found,
    get: (name) => outcome.archive.get(bucket, `${prefix}/${name}`),
    differs(what, is, expected) {
      if (JSON.stringify(is) !== JSON.stringify(expected))
        found.push(`FORMAT: ${prefix}/${what} is ${JSON.stringify(is)}, not ${JSON.stringify(expected)}`);
    },
  };
  checkDataFiles(sealed);
  await checkLists(sealed);
  const plan = parsed((await sealed.get("task.json"))?.body);
  checkTaskFile(sealed, plan);
  const { keys } = outcome.scenario.data;
  const table = parsed((await sealed.get("table.json"))?.body);
  sealed.differs("table.json", pick(table, ["format-version", "keys"]), { "format-version": 1, keys });
  await checkSummary(sealed, plan);
  return found;
}

/** The metadata and the compression of each data file. */
function checkDataFiles({ row, request, files, outcome: { scenario }, prefix, differs }: Sealed): void {
  const compression = compressionIn(request, scenario);
  for (const file of files) {
    const { key, body, metadata } = file;
    const name = key.slice(prefix.length + 1);
    differs(`${name} metadata`, sorted(metadata), {
      bytes: String(bytesOf(file)),
      ...(metadata["end"] !== undefined && { end: "true" }),
      items: String(file.lines.length),
      md5: md5(body),
      "request-id": request.id,
      segments: String(row.total),
    });
    const level = request.fields["compression-level"] ?? scenario.settings.compressionLevel;
    const magic = Buffer.from(body.subarray(0, compression === "gzip" ? 2 : 4)).toString("hex");
    differs(`${name} magic`, magic, compression === "gzip" ? "1f8b" : "28b52ffd");
    if (compression === "gzip")
      differs(`${name} level mark`, body[LEVEL_AT], level === 9 ? 2 : level === 1 ? 4 : 0);
  }
}

/** manifest-files.json, and the index of each segment. */
async function checkLists({ row, request, files, prefix, get, differs }: Sealed): Promise<void> {
  const entryOf = (file: DataFile) =>
    `${JSON.stringify({ itemCount: file.lines.length, md5Checksum: md5(file.body), etag: file.etag.replaceAll('"', ""), dataFileS3Key: file.key })}\n`;
  const listed = await get("manifest-files.json");
  differs("manifest-files.json", decoder.decode(listed?.body), files.map(entryOf).join(""));
  differs(
    "manifest-files.md5",
    decoder.decode((await get("manifest-files.md5"))?.body),
    listed && md5(listed.body),
  );
  for (let segment = 0; segment < row.total; segment++) {
    const number = hex(segment, 4);
    const ofSegment = files.filter((file) => file.key.startsWith(`${prefix}/0x${number}/`));
    const name = `index/${number}.json`;
    const index = await get(name);
    differs(name, index && decoder.decode(index.body), ofSegment.map(entryOf).join(""));
    differs(`${name} metadata`, index && sorted(index.head.metadata), {
      bytes: String(ofSegment.reduce((sum, file) => sum + bytesOf(file), 0)),
      md5: index && md5(index.body),
      "request-id": request.id,
      segments: String(row.total),
    });
  }
}

function checkTaskFile({ row, request, outcome, prefix, differs, found }: Sealed, plan: Json): void {
  const { scenario, recorder } = outcome;
  differs("task.json", pick(plan, ["format-version", "total-segments", "batch-bytes"]), {
    "format-version": 1,
    "total-segments": row.total,
    "batch-bytes": batchBytesOf(row, request, scenario),
  });
  const { key, timestamp } = row;
  differs("task.json task", pick(plan["task"] as Json, ["id", "action", "key", "timestamp", "request-id"]), {
    id: row["task-id"],
    action: "backup",
    key,
    timestamp,
    "request-id": request.id,
  });
  differs("task.json request", sorted(plan["request"] as Json), sorted(request.fields));
  differs(
    "task.json table keys",
    (plan["table"] as Json)["keys"],
    scenario.data.keys.map(({ name }) => name),
  );
  const started = Date.parse(String(plan["started"]));
  const scan = recorder.calls.find(({ page, task }) => page !== undefined && task === taskLabel(row));
  if (scan !== undefined && !(started <= scan.issuedMs))
    found.push(`FORMAT: ${prefix}/task.json has the start ${plan["started"]}, after the first scan`);
}

/** manifest-summary.json, given the plan in task.json. */
async function checkSummary(sealed: Sealed, plan: Json): Promise<void> {
  const { row, request, files, outcome, prefix, get, differs, found } = sealed;
  const summary = await get("manifest-summary.json");
  differs(
    "manifest-summary.md5",
    decoder.decode((await get("manifest-summary.md5"))?.body),
    summary && md5(summary.body),
  );
  const seal = parsed(summary?.body);
  const { tableArn, tableId, endTime } = seal;
  const table = plan["table"] as Json;
  const kmsKey = request.fields["kms-key-id"] ?? null;
  const bytes = files.reduce((sum, file) => sum + bytesOf(file), 0);
  const expected = {
    version: "2020-06-30",
    exportArn: `${table["arn"]}/export/ferry-${row.timestamp}`,
    startTime: plan["started"],
    tableArn: table["arn"],
    tableId: table["id"] ?? null,
    exportTime: plan["started"],
    s3Bucket: bucket.name,
    s3Prefix: prefix,
    s3SseAlgorithm: kmsKey === null ? "AES256" : "KMS",
    s3SseKmsKeyId: kmsKey,
    manifestFilesS3Key: `${prefix}/manifest-files.json`,
    billedSizeBytes: bytes,
    itemCount: files.reduce((sum, file) => sum + file.lines.length, 0),
    outputFormat: "DYNAMODB_JSON",
    exportType: "FULL_EXPORT",
  };
  differs("manifest-summary.json", pick(seal, Object.keys(expected)), expected);
  const listed = await get("manifest-files.json");
  const own = {
    "format-version": 1,
    task: row["task-id"],
    "request-id": request.id,
    segments: row.total,
    compression: compressionIn(request, outcome.scenario),
    files: files.length,
    bytes,
    "manifest-files-md5": listed && md5(listed.body),
  };
  differs("manifest-summary.json ferry", pick(seal["ferry"] as Json, Object.keys(own)), own);
  if (tableArn === undefined || tableId === undefined) found.push(`FORMAT: ${prefix} names no table`);
  const lastMs = Math.max(...files.map((file) => outcome.recorder.storedMs.get(file.key) ?? 0));
  // An event's time has whole seconds.
  if (!(Date.parse(String(endTime)) >= Math.floor(lastMs / 1000) * 1000))
    found.push(
      `FORMAT: ${prefix}/manifest-summary.json has the end ${endTime}, before its last file was put`,
    );
}

function compressionIn({ fields }: TaskRequest, { settings }: Scenario): unknown {
  return fields["compression"] ?? settings.compression;
}

/** The least size of the files of a table that is not smaller. */
const BATCH_BYTES_MIN = 1024 ** 2;

/** The size at which a task's files are closed: the requested one, or a larger one for a large table. */
export function batchBytesOf(row: TaskRow, request: TaskRequest, { grows, weight }: Scenario): number {
  const requested = Number(request.fields["batch-bytes"]);
  const { "batch-bytes": planned, estimate } = row.plan as BackupPlan;
  // A weighted table is larger than the sum of its items.
  if (weight > 1) return Math.max(requested, planned);
  if (grows) return Math.max(requested, BATCH_BYTES_MIN, Math.ceil((row.total * SEGMENT_BYTES) / FILES_MAX));
  return (estimate?.bytes ?? 0) < BATCH_BYTES_MIN ? requested : Math.max(requested, BATCH_BYTES_MIN);
}

/** What a compressor may hold back. The codec in memory stores zstd's blocks as they are. */
const HELD_BACK_BYTES_MAX = 256 * 1024;

/** A file is closed at `batch-bytes`, soon after it has the largest compressed size, or at the end of a slice. */
export function* sizeViolations(
  segment: readonly DataFile[],
  batchBytes: number,
  { settings, pageBytes, data }: Pick<Scenario, "settings" | "pageBytes" | "data">,
  slices: number,
): Iterable<string> {
  const compressedBytes = settings.maximumCompressedFileBytes;
  const largestLine = Math.max(0, ...segment.flatMap(({ lines }) => lines.map((line) => line.length)));
  // The size is known of all pages but the last one. A page ends with the item that reaches its size; as lines its items are larger.
  const lastPagesBytes = 2 * 2 * (pageBytes + largestLine);
  let short = 0;
  for (const file of segment) {
    const last = file.lines.at(-1);
    const withoutLast = bytesOf(file) - (last === undefined ? 0 : Buffer.byteLength(last) + 1);
    if (withoutLast >= batchBytes)
      yield `SIZE: ${file.key} has ${bytesOf(file)} bytes, more than one item beyond ${batchBytes}`;
    const holdsBack = data.realAdapters || !file.key.endsWith(".zst");
    const over = file.body.length - compressedBytes - (holdsBack ? HELD_BACK_BYTES_MAX : 0);
    if (over > lastPagesBytes)
      yield `SIZE: ${file.key} has ${file.body.length} compressed bytes, more than two pages beyond ${compressedBytes}`;
    const isFull = bytesOf(file) >= batchBytes || file.body.length >= compressedBytes;
    if (!isFull && file.metadata["end"] !== "true") short++;
  }
  if (short > slices)
    yield `SIZE: ${short} files of a segment are short, and ${slices} slices worked on it: ${segment[0]!.key}`;
}

function parsed(body: Uint8Array | undefined): Json {
  return body === undefined ? {} : (JSON.parse(decoder.decode(body)) as Json);
}

function pick(from: Json | undefined, names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, from?.[name]]));
}

function sorted(of: Json): Json {
  return Object.fromEntries(Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1)));
}
