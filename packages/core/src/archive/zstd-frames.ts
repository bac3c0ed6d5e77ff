/**
 * Reads the structure of a zstd file without decompressing it: frames, and the blocks of each. With it a decoder gets no byte
 * past a frame's end (Node's ignores such bytes) and no more than one block at a time. Source: RFC 8878.
 */
import { concatenated } from "./chunks.ts";
import { corruptContent } from "./content.ts";

/**
 * The largest window of a frame: a decoder holds as much in memory. It is the limit of `zstd` without `--long`; levels up to 19
 * use 8 MiB.
 */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;
const BLOCK_BYTES_MAX = 128 * 1024;
const FRAME_MAGIC = 0xfd2fb528;
/** The magic number of a skippable frame, without its last four bits. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** A part of a frame. A frame is its header, its blocks and, if it has one, its checksum. */
export type ZstdPart =
  /** `contentBytes`: the decompressed size of the frame, if it is recorded. */
  | {
      readonly kind: "header";
      readonly bytes: Uint8Array;
      readonly hasChecksum: boolean;
      readonly contentBytes?: bigint;
    }
  /** Decompresses to at most 128 KiB. */
  | { readonly kind: "block"; readonly bytes: Uint8Array; readonly isLast: boolean }
  /** The low 4 bytes of XXH64 of the frame's content, little-endian. */
  | { readonly kind: "checksum"; readonly bytes: Uint8Array };

/**
 * The parts of a zstd file's frames, in order; skippable frames are left out. Permanent error `corrupt-file`: the file is
 * truncated, has bytes after a frame that are not a frame, or needs a dictionary or a larger window.
 */
export async function* zstdParts(file: AsyncIterable<Uint8Array>): AsyncGenerator<ZstdPart, void, void> {
  const input = byteReader(file);
  for (;;) {
    const start = await input.upTo(4);
    if (start.length === 0) return;
    const magic = start.length < 4 ? undefined : viewOf(start).getUint32(0, true);
    if (magic !== undefined && magic >>> 4 === SKIPPABLE_MAGIC) {
      await input.skip(viewOf(await input.exactly(4)).getUint32(0, true));
      continue;
    }
    if (magic !== FRAME_MAGIC) throw corruptContent("zstd", "it has bytes after its end");
    const header = await readHeader(start);
    yield header;
    for (let isLast = false; !isLast; ) {
      const block = await readBlock();
      yield block;
      isLast = block.isLast;
    }
    if (header.hasChecksum) yield { kind: "checksum", bytes: await input.exactly(4) };
  }

  async function readHeader(start: Uint8Array): Promise<ZstdPart & { kind: "header" }> {
    const [descriptor = 0] = await input.exactly(1);
    const sizeFlag = descriptor >> 6;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
    if ((descriptor & 0x08) !== 0) throw corruptContent("zstd", "a reserved bit of its header is set");
    const window = await input.exactly(isSingleSegment ? 0 : 1);
    const dictionary = await input.exactly(dictionaryBytes);
    if (dictionary.some((byte) => byte !== 0)) throw corruptContent("zstd", "it needs a dictionary");
    const size = await input.exactly(sizeBytes);
    const contentBytes = sizeBytes === 0 ? undefined : littleEndian(size) + (sizeBytes === 2 ? 256n : 0n);
    const windowBytes = isSingleSegment ? contentBytes! : windowOf(window[0]!);
    if (windowBytes > WINDOW_BYTES_MAX)
      throw corruptContent(
        "zstd",
        `it needs a window of ${windowBytes} bytes, and at most ${WINDOW_BYTES_MAX} are supported`,
      );
    return {
      kind: "header",
      bytes: concatenated([start, Uint8Array.of(descriptor), window, dictionary, size]),
      hasChecksum: (descriptor & 4) !== 0,
      ...(contentBytes !== undefined && { contentBytes }),
    };
  }

  async function readBlock(): Promise<ZstdPart & { kind: "block" }> {
    const header = await input.exactly(3);
    const value = Number(littleEndian(header));
    const type = (value >> 1) & 3;
    const bytes = value >> 3;
    if (type === RESERVED_BLOCK) throw corruptContent("zstd", "it has a block of an unknown type");
    if (bytes > BLOCK_BYTES_MAX) throw corruptContent("zstd", "it has a block that is too large");
    const whole = await input.exactly(type === RLE_BLOCK ? 1 : bytes, header);
    return { kind: "block", bytes: whole, isLast: (value & 1) === 1 };
  }
}

/** A window descriptor is a 5-bit exponent and a 3-bit mantissa. */
function windowOf(descriptor: number): bigint {
  const base = 1n << BigInt(10 + (descriptor >> 3));
  return base + (base / 8n) * BigInt(descriptor & 7);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NOTHING = new Uint8Array(0);

/** Reads a stream in pieces of given sizes. */
function byteReader(file: AsyncIterable<Uint8Array>) {
  const chunks = file[Symbol.asyncIterator]();
  let chunk = new Uint8Array(0);

  /** The next bytes, as many as the current chunk has, but at most `count`; none at the end of the file. */
  async function some(count: number): Promise<Uint8Array> {
    while (chunk.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return chunk;
      chunk = next.value as Uint8Array<ArrayBuffer>;
    }
    const bytes = chunk.subarray(0, count);
    chunk = chunk.subarray(count);
    return bytes;
  }

  /**
   * A copy of the next `count` bytes, or of fewer at the end of the file, after the bytes `before`: a chunk is valid only until the next
   * one is requested.
   */
  async function upTo(count: number, before: Uint8Array = NOTHING): Promise<Uint8Array> {
    const bytes = new Uint8Array(before.length + count);
    bytes.set(before);
    for (let at = before.length; at < bytes.length; ) {
      const part = await some(bytes.length - at);
      if (part.length === 0) return bytes.subarray(0, at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  return {
    upTo,
    /** These bytes before the next `count` ones. */
    async exactly(count: number, before: Uint8Array = NOTHING): Promise<Uint8Array> {
      const bytes = await upTo(count, before);
      if (bytes.length < before.length + count) throw truncated();
      return bytes;
    },
    async skip(count: number): Promise<void> {
      for (let left = count; left > 0; ) {
        const part = await some(left);
        if (part.length === 0) throw truncated();
        left -= part.length;
      }
    },
  };
}

function truncated() {
  return corruptContent("zstd", "it is truncated");
}
