/**
 * Reading a data file from the bucket, in blocks: what is held is bounded by settings, whatever the file.
 */
import { FerryError, permanent } from "../errors.ts";
import type { BucketAddress, ObjectHead, Ports } from "../ports.ts";
import { type Block, blocksOf, LINE_BYTES_MAX } from "./blocks.ts";

/** How often in a row an object is opened again where its connection broke before a byte came. */
const REOPENS_MAX = 3;

/** What is recorded of a data file, in the manifest or in its metadata. */
export interface RecordedFile {
  readonly key: string;
  /** Lines. */
  readonly items: number;
  /** Of the compressed bytes, base64. */
  readonly md5: string;
}

type ReadingPorts = Pick<Ports, "archive" | "codec" | "settings">;

/** What is known of the object once it was opened. */
interface Opened {
  head?: ObjectHead;
}

/** A data file whose bytes are those that were recorded. */
export interface VerifiedFile {
  /**
   * The blocks that hold the lines from `line` on, the first of them whole. Called once. Where the file is not in memory
   * it is read again, and the end of the blocks is an error where it is not the file that was verified.
   */
  blocksFrom(line: number): AsyncIterable<Block>;
}

/**
 * Reads a data file to its end and checks its MD5, its number of lines and, where the object's metadata has it, its
 * uncompressed size. `check` is called with each block. Its blocks are kept where they are not more than the setting `maximumFileBytesInMemory`. Returns
 * nothing where `goesOn`, asked before each block but the first, says so. Permanent errors: those of `readBlocks`.
 */
export async function verifyDataFile(
  bucket: BucketAddress,
  file: RecordedFile,
  ports: ReadingPorts,
  goesOn: () => Promise<boolean>,
  check: (block: Block) => Promise<void> = async () => {},
): Promise<VerifiedFile | undefined> {
  const opened: Opened = {};
  let held: Block[] | undefined = [];
  let heldBytes = 0;
  let blocks = 0;
  for await (const block of readBlocks(bucket, file, ports, opened)) {
    if (blocks++ > 0 && !(await goesOn())) return undefined;
    await check(block);
    heldBytes += block.bytes.length;
    if (heldBytes > ports.settings.maximumFileBytesInMemory) held = undefined;
    held?.push(block);
  }
  const all = held === undefined ? readBlocks(bucket, file, ports, opened) : released(held);
  return {
    async *blocksFrom(line) {
      for await (const block of all) if (block.firstLine + block.lines > line) yield block;
    },
  };
}

/** The blocks in order; each is let go when it is handed over. */
async function* released(blocks: Block[]): AsyncGenerator<Block, void, void> {
  blocks.reverse();
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) yield block;
}

/**
 * The blocks of a data file as they come. What is yielded is not verified before the iteration has ended: it throws in
 * the end where the file is not as recorded. `opened` keeps what was found, so that a second reading with it reads the
 * same object. Permanent errors: `corrupt-file`, `object-changed`, `file-too-large`.
 */
export async function* readBlocks(
  bucket: BucketAddress,
  file: RecordedFile,
  ports: ReadingPorts,
  opened: Opened = {},
): AsyncGenerator<Block, void, void> {
  const { codec, settings } = ports;
  const md5 = codec.openMd5();
  let lines = 0;
  let bytes = 0;

  async function* compressed() {
    for await (const chunk of storedChunks(bucket, file.key, opened, ports)) {
      md5.update(chunk);
      yield chunk;
    }
  }
  async function* decompressed() {
    for await (const chunk of codec.decompress(compressed())) {
      bytes += chunk.length;
      const recorded = recordedBytes(opened.head);
      if (recorded !== undefined && bytes > recorded)
        throw corrupt(bucket, file.key, `holds more than the ${recorded} bytes that its metadata records`);
      if (bytes > settings.maximumFileBytes) throw tooLarge(bucket, file.key, settings.maximumFileBytes);
      yield chunk;
    }
  }
  const tooLong = (line: number) =>
    corrupt(bucket, file.key, `has more than ${LINE_BYTES_MAX} bytes in line ${line + 1}, which no item has`);

  try {
    for await (const block of blocksOf(decompressed(), tooLong)) {
      lines += block.lines;
      yield block;
    }
  } catch (error) {
    // The codec does not know which file it reads.
    if (error instanceof FerryError && error.code === "corrupt-file" && error.operation === "decompress")
      throw corrupt(bucket, file.key, error.message.replace(/\.$/, ""));
    throw error;
  }
  const found = md5.digest();
  if (found !== file.md5) throw corrupt(bucket, file.key, `has MD5 ${found} where ${file.md5} was recorded`);
  if (lines !== file.items)
    throw corrupt(bucket, file.key, `holds ${lines} lines where ${file.items} were recorded`);
  const recorded = recordedBytes(opened.head);
  if (recorded !== undefined && bytes !== recorded)
    throw corrupt(bucket, file.key, `holds ${bytes} bytes where its metadata records ${recorded}`);
}

/** An error about a data file whose bytes are not those that were written. */
export function corrupt(bucket: BucketAddress, key: string, message: string) {
  return permanent("corrupt-file", {
    operation: "read data file",
    resource: `s3://${bucket.name}/${key}`,
    message: `${message}.`,
    hint: "The archive was damaged after it was written: restore from another backup, or make a new one.",
  });
}

/** Reads a line; a SyntaxError becomes an error that names file and line. `number` counts from 1. */
export function readingLine<T>(bucket: BucketAddress, key: string, number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw corrupt(bucket, key, `holds line ${number}, which cannot be read: ${error.message}`);
  }
}

/** The object's bytes. A connection that breaks on the way is opened again where it broke. */
async function* storedChunks(
  bucket: BucketAddress,
  key: string,
  opened: Opened,
  { archive }: Pick<Ports, "archive">,
): AsyncGenerator<Uint8Array, void, void> {
  let fromByte = 0;
  for (let breaks = 0; ; ) {
    const etag = opened.head?.etag;
    const object = await archive.open(bucket, key, { fromByte, ...(etag && { ifMatch: etag }) });
    if (object === undefined) throw corrupt(bucket, key, "does not exist any more");
    opened.head ??= object.head;
    let reason: unknown;
    try {
      for await (const chunk of object.chunks) {
        fromByte += chunk.length;
        breaks = 0;
        yield chunk;
      }
    } catch (error) {
      if (!(error instanceof FerryError && error.kind === "transient")) throw error;
      reason = error;
    }
    if (fromByte === opened.head.sizeBytes) return;
    if (++breaks > REOPENS_MAX) throw reason ?? cutShort(bucket, key, fromByte, opened.head.sizeBytes);
  }
}

/** The uncompressed size that Ferry wrote into its own file's metadata. */
function recordedBytes(head: ObjectHead | undefined): number | undefined {
  const bytes = head?.metadata["request-id"] === undefined ? undefined : head.metadata["bytes"];
  return bytes !== undefined && /^\d+$/.test(bytes) ? Number(bytes) : undefined;
}

function tooLarge(bucket: BucketAddress, key: string, bytesMax: number) {
  return permanent("file-too-large", {
    operation: "read data file",
    resource: `s3://${bucket.name}/${key}`,
    message: `holds more than ${bytesMax} bytes when it is decompressed, the setting maximumFileBytes.`,
    hint: "Check that the file is what it should be; then raise the setting.",
  });
}

function cutShort(bucket: BucketAddress, key: string, bytes: number, sizeBytes: number) {
  return new FerryError("transient", "cut-short", {
    operation: "read data file",
    resource: `s3://${bucket.name}/${key}`,
    message: `its connection ended after ${bytes} of ${sizeBytes} bytes, ${REOPENS_MAX} times in a row.`,
    hint: "The queue tries again.",
  });
}
