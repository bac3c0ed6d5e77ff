/**
 * Reads a data file from the bucket in blocks, with bounded memory for files of any size.
 */

import { FerryError, permanent } from "../errors/errors.ts";
import type { ObjectHead, Ports } from "../ports.ts";
import { type BucketAddress, objectResource } from "../request/addresses.ts";
import { type Block, blocksOf, LINE_BYTES_MAX, reuseBlock } from "./blocks.ts";
import { objectError } from "./errors.ts";
import { type Opened, objectChunks } from "./object-chunks.ts";

/** A data file as recorded in the manifest or in its object's metadata. */
export interface RecordedFile {
  readonly key: string;
  /** The number of lines. */
  readonly items: number;
  /** MD5 of the compressed bytes, base64. */
  readonly md5: string;
}

type ReadPorts = Pick<Ports, "archive" | "codec" | "settings">;

/** A data file whose content matches what was recorded. */
export interface VerifiedFile {
  /**
   * The blocks that hold the lines from `line` on; the first block may start with earlier lines. Call it once. If the file is
   * not in memory, it is read again, and the iteration throws at its end if it is not the file that was verified.
   */
  blocksFrom(line: number): AsyncIterable<Block>;
  /** Frees the memory of the yielded blocks that have no line from `line` on: no view of those is used any more. */
  release(line: number): void;
}

/**
 * Reads a data file to its end and checks its MD5, its number of lines and, if it is in the object's metadata, its
 * uncompressed size. Calls `check` with each block. Keeps the blocks in memory if they are not larger than the setting
 * `maximumFileBytesInMemory`. Calls `shouldContinue` before each block except the first, and returns nothing if it resolves
 * to false. Permanent errors: those of `readBlocks`.
 */
export async function verifyDataFile(
  bucket: BucketAddress,
  file: RecordedFile,
  ports: ReadPorts,
  shouldContinue: () => Promise<boolean>,
  check: (block: Block) => Promise<void> = async () => {},
): Promise<VerifiedFile | undefined> {
  const opened: Opened = {};
  const keptBytesMax = ports.settings.maximumFileBytesInMemory;
  let held: Block[] | undefined = [];
  let heldBytes = 0;
  let blocks = 0;
  for await (const block of readBlocks(bucket, file, ports, { opened })) {
    if (blocks++ > 0 && !(await shouldContinue())) return undefined;
    await check(block);
    heldBytes += block.bytes.length;
    held?.push(block);
    if (Math.max(heldBytes, recordedBytes(opened.head) ?? 0) <= keptBytesMax) continue;
    for (const one of held ?? [block]) reuseBlock(one);
    held = undefined;
  }
  const all = held === undefined ? readBlocks(bucket, file, ports, { opened }) : takeEach(held);
  /** The yielded blocks whose memory is not given back. */
  const used: Block[] = [];
  return {
    async *blocksFrom(line) {
      for await (const block of all) {
        if (block.lines > 0 && block.firstLine + block.lines > line) {
          used.push(block);
          yield block;
        } else reuseBlock(block);
      }
    },
    release(line) {
      while (used[0] !== undefined && used[0].firstLine + used[0].lines <= line) reuseBlock(used.shift()!);
    },
  };
}

/** Yields the blocks in order, and drops the reference to each, so that its memory can be freed. */
async function* takeEach(blocks: Block[]): AsyncGenerator<Block, void, void> {
  blocks.reverse();
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) yield block;
}

/**
 * Yields the blocks of a data file as they arrive. The blocks are verified only when the iteration ends: then it throws if the
 * file is not as recorded. `opened` keeps the object's head, so that a second call with it reads the same object.
 * Permanent errors: `corrupt-file`, `object-changed`, `file-too-large`.
 */
export async function* readBlocks(
  bucket: BucketAddress,
  file: RecordedFile,
  ports: ReadPorts,
  { opened = {} }: { readonly opened?: Opened } = {},
): AsyncGenerator<Block, void, void> {
  const { codec, settings } = ports;
  const md5 = codec.openMd5();
  let lines = 0;
  let bytes = 0;

  async function* compressed() {
    const missing = () => corrupt(bucket, file.key, "no longer exists");
    for await (const chunk of objectChunks(bucket, file.key, { opened, missing }, ports)) {
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
    corrupt(
      bucket,
      file.key,
      `has more than ${LINE_BYTES_MAX} bytes in line ${line + 1}, which is longer than any item`,
    );

  try {
    for await (const block of blocksOf(decompressed(), tooLong, codec.allocate)) {
      lines += block.lines;
      yield block;
    }
  } catch (error) {
    // The codec's error does not name the file.
    if (error instanceof FerryError && error.code === "corrupt-file" && error.operation === "decompress")
      throw corrupt(bucket, file.key, error.message.replace(NAMELESS, ""));
    throw error;
  }
  const found = md5.digest();
  if (found !== file.md5) throw corrupt(bucket, file.key, `has MD5 ${found}, but ${file.md5} was recorded`);
  if (lines !== file.items)
    throw corrupt(bucket, file.key, `holds ${lines} lines, but ${file.items} were recorded`);
  const recorded = recordedBytes(opened.head);
  if (recorded !== undefined && bytes !== recorded)
    throw corrupt(bucket, file.key, `holds ${bytes} bytes, but its metadata records ${recorded}`);
}

/** The subject in the messages of a codec, which does not know the file's name. */
const NAMELESS = /^The data file /;

/** The error for a data file whose bytes were changed after it was written. */
export const corrupt = objectError(
  "corrupt-file",
  "read data file",
  "The archive was damaged after it was written: restore from another backup, or make a new one.",
);

/**
 * Calls `read` with these arguments; converts a SyntaxError to an error that names the file and the line. `number` counts from 1.
 */
export function readingLine<Arguments extends readonly unknown[], T>(
  bucket: BucketAddress,
  key: string,
  number: number,
  read: (...args: Arguments) => T,
  ...args: Arguments
): T {
  try {
    return read(...args);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw corrupt(bucket, key, `holds line ${number}, which cannot be read: ${error.message}`);
  }
}

/** The uncompressed size in the metadata of a file that Ferry wrote. */
function recordedBytes(head: ObjectHead | undefined): number | undefined {
  const bytes = head?.metadata["request-id"] === undefined ? undefined : head.metadata["bytes"];
  return bytes !== undefined && /^\d+$/.test(bytes) ? Number(bytes) : undefined;
}

function tooLarge(bucket: BucketAddress, key: string, bytesMax: number) {
  return permanent("file-too-large", {
    operation: "read data file",
    resource: objectResource(bucket, key),
    predicate: `holds more than ${bytesMax} bytes when it is decompressed, the setting maximumFileBytes`,
    hint: "Check that the file is the expected one; then raise the setting.",
  });
}
