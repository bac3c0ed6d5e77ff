/**
 * Reads manifest-files.json as it arrives, the whole or a part, so that a list of any length takes little memory: at 250 bytes a line, the list of
 * 600,000 data files has 150 MB.
 */
import type { ObjectHead, Ports } from "../ports.ts";
import type { BucketAddress } from "../request/addresses.ts";
import { blocksOf } from "./blocks.ts";
import { brokenManifest, readable } from "./errors.ts";
import { decodeLines, type ManifestFile, total } from "./file-list.ts";
import type { Fingerprint } from "./fingerprint.ts";
import { type Opened, objectChunks } from "./object-chunks.ts";
import { openSeenKeys } from "./seen-keys.ts";

const LINE_FEED = 0x0a;
/** The fewest bytes of a line: by it the memory for the listed keys is chosen. */
const LINE_BYTES_MIN = 100;

type ReadPorts = Pick<Ports, "archive" | "codec">;

/** A list that was read to its end. */
export interface ReadList {
  readonly head: ObjectHead;
  readonly fingerprint: Fingerprint;
  /** The number of data files. */
  readonly files: number;
  /** The number of lines in all data files. */
  readonly items: number;
}

/**
 * Reads a whole list, and calls `onFiles` with its files, some at a time and in order. Throws `missing()` if there is no such object.
 * Permanent error: `broken-manifest`, if a line is not valid or a file is listed twice.
 */
export async function readFileList(
  bucket: BucketAddress,
  key: string,
  { missing, onFiles }: { readonly missing: () => Error; readonly onFiles: OnFiles },
  ports: ReadPorts,
): Promise<ReadList> {
  const opened: Opened = {};
  const md5 = ports.codec.openMd5();
  async function* chunks() {
    for await (const chunk of objectChunks(bucket, key, { opened, missing }, ports)) {
      md5.update(chunk);
      yield chunk;
    }
  }
  let seen: ReturnType<typeof openSeenKeys> | undefined;
  let files = 0;
  let items = 0;
  /** The keys of which another key before it has the same hash. */
  const suspects = new Set<string>();
  for await (const listed of decodedFiles(bucket, key, chunks())) {
    seen ??= openSeenKeys(opened.head!.sizeBytes / LINE_BYTES_MIN);
    for (const { dataFileS3Key } of listed)
      if (seen.add(dataFileS3Key, ++files).length > 0) suspects.add(dataFileS3Key);
    items += total(listed);
    onFiles(listed);
  }
  if (suspects.size > 0) await refuseListedTwice();
  const head = opened.head!;
  return { head, fingerprint: { md5: md5.digest(), etag: head.etag }, files, items };

  async function refuseListedTwice(): Promise<void> {
    const listed = new Set<string>();
    for await (const some of decodedFiles(bucket, key, objectChunks(bucket, key, { opened, missing }, ports)))
      for (const { dataFileS3Key: suspect } of some.filter((file) => suspects.has(file.dataFileS3Key))) {
        if (listed.has(suspect))
          throw brokenManifest(bucket, key, `cannot be read: the data file ${suspect} is listed twice`);
        listed.add(suspect);
      }
  }
}

/** A part of a list: of `parts` parts of about the same number of bytes, the one with this index. */
export interface ListPart {
  readonly index: number;
  readonly parts: number;
}

/**
 * Reads the files of a part of a list: those whose lines begin in its bytes. Each line begins in exactly one part, so no part has to
 * know the others' lines. Throws `missing()` if there is no such object. Permanent errors: `object-changed`, if the list has another
 * ETag; `broken-manifest`, if a line is not valid.
 */
export async function readListPart(
  bucket: BucketAddress,
  key: string,
  list: { readonly etag: string; readonly bytes: number },
  { index, parts }: ListPart,
  missing: () => Error,
  ports: Pick<Ports, "archive">,
): Promise<ManifestFile[]> {
  const boundary = (part: number) => Math.floor((list.bytes * part) / parts);
  const [fromByte, untilByte] = [boundary(index), boundary(index + 1)];
  if (fromByte === untilByte) return [];
  const opened: Opened = { head: { etag: list.etag, sizeBytes: list.bytes, metadata: {} } };
  // A line that begins at the boundary follows the line feed before it.
  const readFrom = Math.max(0, fromByte - 1);
  const chunks = objectChunks(bucket, key, { opened, fromByte: readFrom, missing }, ports);
  const files: ManifestFile[] = [];
  for await (const some of decodedFiles(bucket, key, linesBetween(chunks, readFrom, fromByte, untilByte)))
    files.push(...some);
  return files;
}

/** The bytes of the lines that begin at or after `fromByte` and before `untilByte`, of an object's bytes from `at` on. */
async function* linesBetween(
  chunks: AsyncIterable<Uint8Array>,
  at: number,
  fromByte: number,
  untilByte: number,
): AsyncGenerator<Uint8Array, void, void> {
  let isBegun = fromByte === 0;
  for await (let chunk of chunks) {
    if (!isBegun) {
      const feed = chunk.indexOf(LINE_FEED);
      isBegun = feed !== -1;
      const skipped = isBegun ? feed + 1 : chunk.length;
      chunk = chunk.subarray(skipped);
      at += skipped;
      if (at >= untilByte) return;
    }
    // The last line ends at the first line feed from the byte before the boundary on.
    const end = chunk.indexOf(LINE_FEED, Math.max(0, untilByte - 1 - at));
    if (end !== -1 && at + end >= untilByte - 1) {
      yield chunk.subarray(0, end + 1);
      return;
    }
    at += chunk.length;
    yield chunk;
  }
}

/** Receives files of a list. */
export type OnFiles = (files: readonly ManifestFile[]) => void;

/** Decodes the lines of a list as they arrive. Permanent error: `broken-manifest`, if a line is not valid. */
export async function* decodedFiles(
  bucket: BucketAddress,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly ManifestFile[], void, void> {
  const broken = (message: string) => brokenManifest(bucket, key, message);
  for await (const { bytes } of blocksOf(chunks, (line) => broken(`has a line ${line + 1} that is too long`)))
    yield readable(() => decodeLines(bytes), broken);
}
