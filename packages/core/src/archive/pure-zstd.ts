/**
 * zstd without Node: the decoder is fzstd. The compressor stores the bytes uncompressed, in a file that every zstd tool reads.
 */

import { Decompress } from "fzstd";
import xxhash from "xxhash-wasm";
import { messageOf } from "../errors/errors.ts";
import type { Compressor } from "../ports.ts";
import { concatenated } from "./chunks.ts";
import { corruptContent } from "./content.ts";
import { type ZstdPart, zstdParts } from "./zstd-frames.ts";

const { create64 } = await xxhash();

const BLOCK_BYTES_MAX = 128 * 1024;
/** The magic number; a descriptor with a checksum and without sizes; a window of 128 KiB. */
const HEADER = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x38);

/** The decompressed bytes of a zstd file, at most one block (128 KiB) at a time. Permanent error: `corrupt-file`. */
export async function* decompressZstd(
  file: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  let frame: Frame | undefined;
  for await (const part of zstdParts(file)) {
    if (part.kind === "header") frame = openFrame(part);
    // The first part of a frame is its header.
    else yield* frame!.take(part);
  }
}

type Frame = ReturnType<typeof openFrame>;

function openFrame(header: ZstdPart & { kind: "header" }) {
  const out: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => {
    if (bytes.length > 0) out.push(bytes);
  });
  const hash = create64();
  let decodedBytes = 0n;
  const push = (bytes: Uint8Array, isEnd: boolean): Uint8Array[] => {
    try {
      decoder.push(bytes, isEnd);
    } catch (error) {
      // A damaged block can have any effect in the decoder.
      throw corruptContent("zstd", messageOf(error), error);
    }
    for (const decoded of out) {
      hash.update(decoded);
      decodedBytes += BigInt(decoded.length);
    }
    return out.splice(0);
  };
  push(header.bytes, false);
  return {
    *take(part: Exclude<ZstdPart, { kind: "header" }>): Generator<Uint8Array, void, void> {
      const isEnd = part.kind === "checksum" || (part.isLast && !header.hasChecksum);
      yield* push(part.bytes, isEnd);
      if (isEnd && header.contentBytes !== undefined && header.contentBytes !== decodedBytes)
        throw corruptContent("zstd", `it has ${decodedBytes} bytes, and records ${header.contentBytes}`);
      if (part.kind === "checksum" && !sameBytes(part.bytes, checksumOf(hash.digest())))
        throw corruptContent("zstd", "its checksum differs");
    },
  };
}

/** Opens a zstd file of one frame whose blocks are not compressed. */
export function storeZstd(): Compressor {
  const parts = [HEADER];
  let storedBytes = HEADER.length;
  const hash = create64();
  return {
    async write(bytes) {
      hash.update(bytes);
      // Copies, because the caller may use its buffer again; `slice` of a Buffer would share its memory.
      for (let at = 0; at < bytes.length; at += BLOCK_BYTES_MAX) {
        const block = bytes.subarray(at, at + BLOCK_BYTES_MAX);
        const header = rawBlockHeader(block.length, false);
        parts.push(header, new Uint8Array(block));
        storedBytes += header.length + block.length;
      }
    },
    compressedBytes: () => storedBytes,
    async finish() {
      parts.push(rawBlockHeader(0, true), checksumOf(hash.digest()));
      return concatenated(parts);
    },
    discard() {
      parts.length = 0;
    },
  };
}

function rawBlockHeader(bytes: number, isLast: boolean): Uint8Array<ArrayBuffer> {
  const value = (bytes << 3) | (isLast ? 1 : 0);
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16);
}

function checksumOf(digest: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(digest & 0xffffffffn), true);
  return bytes;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
