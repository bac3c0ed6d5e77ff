/**
 * A process that restores one data file as a worker does, with the real codec, and prints a report of the result and its
 * memory. Arguments: a name of `contents`, and the setting maximumFileBytesInMemory in MiB.
 */
import { gzipSync } from "node:zlib";
import { zlibCodec } from "@ferry/aws/codec";
import { encodeFiles, type ManifestFile } from "@ferry/core/archive/file-list";
import { defaultSettings } from "@ferry/core/settings/settings";
import { work } from "@ferry/core/worker";
import { intercept } from "@ferry/memory/intercept";
import { memoryPorts } from "@ferry/memory/ports";
import { accepted, bucket, destination, message, restoreRequest } from "@ferry/memory/testing/tasks";
import { residentBytesMax } from "../resident-size.ts";

/** The report that the process prints, as JSON. */
export interface RestoreReport {
  /** The type of the event that ended the segment, and the message of its error. */
  readonly type: string;
  readonly error?: string;
  /** Items in the large file. */
  readonly items: number;
  /** Items written, from both files. */
  readonly written: number;
  /** How often the slice opened a data file, the large or the small one. */
  readonly opens: number;
  /** The largest resident set size of the process, MiB. */
  readonly rssMibMax: number;
}

const MIB = 1024 * 1024;
/** Enough of the smallest items that one object per item would not fit in the test's heap. */
const TINY_ITEMS_MIB = 4;
/** With larger items, which cost less time, the file is this long. */
const FILE_MIB = 96;
const prefix = "AWSDynamoDB/01";

interface Part {
  readonly bytes: Uint8Array;
  readonly items: number;
  /** How often the part follows itself; default: once. */
  readonly times?: number;
}

const contents: Readonly<Record<string, () => Generator<Part>>> = {
  /** `TINY_ITEMS_MIB` of the smallest items, and items of 16 KiB up to `FILE_MIB`. */
  *"tiny-items"() {
    const part = (lines: readonly string[]) => ({ bytes: Buffer.from(lines.join("")), items: lines.length });
    const line = (n: number, more = "") => `{"Item":{"id":{"S":"${1e7 + n}"}${more}}}\n`;
    const tiny = Math.floor(MIB / line(0).length);
    for (let at = 0; at < TINY_ITEMS_MIB; at++)
      yield part(Array.from({ length: tiny }, (_, n) => line(at * tiny + n)));
    const text = `,"text":{"S":"${"a".repeat(16 * 1024)}"}`;
    const large = Math.ceil(MIB / line(0, text).length);
    for (let at = TINY_ITEMS_MIB; at < FILE_MIB; at++)
      yield part(Array.from({ length: large }, (_, n) => line(at * tiny + n, text)));
  },
  /** One item, and 512 MiB of spaces. */
  *spaces() {
    yield { bytes: Buffer.from('{"Item":{"id":{"S":"1"}}}\n'), items: 1 };
    yield { bytes: Buffer.alloc(MIB, " "), items: 0, times: 512 };
  },
  /** One item, and `FILE_MIB` of empty lines. */
  *"empty-lines"() {
    yield { bytes: Buffer.from('{"Item":{"id":{"S":"1"}}}\n'), items: 1 };
    yield { bytes: Buffer.alloc(MIB, "\n"), items: 0, times: FILE_MIB };
  },
};

const [name = "", mib] = process.argv.slice(2);
/** Each part is a member of the gzip file, so one that is repeated is compressed once. */
const compressed: Buffer[] = [];
let items = 0;
for (const { bytes, items: count, times = 1 } of contents[name]!()) {
  items += count;
  const member = gzipSync(bytes, { level: 1 });
  for (let n = 0; n < times; n++) compressed.push(member);
}

const settings = { ...defaultSettings, maximumFileBytesInMemory: Number(mib) * MIB };
const plain = memoryPorts({ codec: zlibCodec, settings });
plain.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
plain.archive.createBucket(bucket);
/** Stores a data file; returns its line of the manifest. */
function storeDataFile(dataFileS3Key: string, file: Buffer, itemCount: number): ManifestFile {
  plain.archive.store(bucket, dataFileS3Key, file);
  return { itemCount, md5Checksum: zlibCodec.md5(file), etag: "", dataFileS3Key };
}
const listed = [
  // The plan reads the first file's first line.
  storeDataFile(`${prefix}/data/small.json.gz`, gzipSync('{"Item":{"id":{"S":"0"}}}\n'), 1),
  storeDataFile(`${prefix}/data/large.json.gz`, Buffer.concat(compressed.splice(0)), items),
];
const filesKey = `${prefix}/manifest-files.json`;
plain.archive.store(bucket, filesKey, encodeFiles(listed));
const summary = {
  version: "2020-06-30",
  outputFormat: "DYNAMODB_JSON",
  manifestFilesS3Key: filesKey,
  itemCount: items + 1,
};
plain.archive.store(bucket, `${prefix}/manifest-summary.json`, Buffer.from(JSON.stringify(summary)));

let opens = 0;
let written = 0;
const archive = intercept("archive", plain.archive, ["open"], ({ args }, run) => {
  // The slice reads the manifest's list of files, too.
  if (args[1] !== filesKey) opens++;
  return run();
});
const tables = intercept("tables", plain.tables, ["write"], async (call) => {
  written += (call.args[1] as readonly unknown[]).length;
  return { unprocessed: [], units: 1 };
});
const ports = { ...plain, archive, tables };
const request = { ...restoreRequest, "bucket-prefix": prefix, "total-segments": 1 };
const [segment] = await accepted(request, ports);
opens = 0;
const [event] = await work(message("SegmentQueued", segment), ports);
const error = (event?.detail as { error?: { message?: string } } | undefined)?.error?.message;
const report: RestoreReport = {
  type: event?.type ?? "none",
  ...(error !== undefined && { error }),
  items,
  written,
  opens,
  rssMibMax: Math.round(residentBytesMax() / MIB),
};
console.log(JSON.stringify(report));
