/**
 * The codec on Node's zlib: compression runs on other threads while the next page is received.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Compression } from "@ferry/core/archive/compression";
import { corruptContent, decompressByContent } from "@ferry/core/archive/content";
import { zstdParts } from "@ferry/core/archive/zstd-frames";
import type { Codec, Compressor } from "@ferry/core/ports";

/** zlib's codec. */
export const zlibCodec: Codec = {
  compress,
  decompress: (file, sizeToKeep) =>
    decompressByContent(file, {
      gzip: (chunks) => output(chunks, gunzip, sizeToKeep?.()),
      zstd: (chunks) => output(chunks, decompressZstd, sizeToKeep?.()),
    }),
  release({ buffer }) {
    // The garbage collector would free it too, but later: it hardly sees how much memory a small object of JavaScript has.
    if (releasable.delete(buffer)) (buffer as ArrayBuffer).transfer(0);
  },
  md5: (bytes) => createHash("md5").update(bytes).digest("base64"),
  openMd5() {
    const hash = createHash("md5");
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
  },
};

const CHUNK_BYTES = 256 * 1024;
const INPUT_CHUNK_BYTES = 64 * 1024;

const OUTPUT_CHUNK_BYTES = 64 * 1024;

/** The buffers of kept outputs, which hold nothing else. */
const releasable = new WeakSet<ArrayBufferLike>();

type Decompress = (file: AsyncIterable<Uint8Array>, chunkSize: number) => AsyncIterable<Uint8Array>;

async function* output(file: AsyncIterable<Uint8Array>, decompress: Decompress, sizeToKeep?: number) {
  const chunks = decompress(file, chunkBytes(sizeToKeep));
  if (sizeToKeep === undefined) return yield* chunks;
  for await (const chunk of chunks) {
    // A small one is a part of Node's pool.
    if (chunk.buffer.byteLength > Buffer.poolSize) releasable.add(chunk.buffer);
    yield chunk;
  }
}

/**
 * The size of zlib's output buffers. For an output that is kept whole, one buffer for all of it: many buffers, and their copies in
 * one, made the garbage collector mark the whole heap several times a file. zlib looks for the end of the file only
 * while its buffer has space, so it has one byte more.
 */
function chunkBytes(sizeToKeep: number | undefined): number {
  return sizeToKeep === undefined ? CHUNK_BYTES : Math.max(sizeToKeep + 1, constants.Z_MIN_CHUNK);
}

function compress(compression: Compression, level: number): Compressor {
  const stream =
    compression === "gzip"
      ? createGzip({ level, chunkSize: OUTPUT_CHUNK_BYTES })
      : createZstdCompress({
          chunkSize: OUTPUT_CHUNK_BYTES,
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
        });
  const chunks: Buffer[] = [];
  // The whole file is kept in memory, so the output needs no backpressure; the input has one write at a time.
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  // The next write or finish reports a failure; until then it must not end the process.
  stream.on("error", () => {});

  return {
    // A callback, not `drain`: an ended stream emits no `drain`, so a pending write would never settle.
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(stream.errored ?? error) : resolve()));
      }),
    async finish() {
      if (stream.errored) throw stream.errored;
      stream.end();
      await once(stream, "end");
      return Buffer.concat(chunks);
    },
    discard() {
      // The error rejects pending writes.
      stream.destroy(new Error("the file was discarded"));
      chunks.length = 0;
    },
  };
}

/** Backpressure applies: the file is read only as fast as the caller takes chunks. */
async function* gunzip(
  file: AsyncIterable<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Uint8Array, void, void> {
  const stream = createGunzip({ chunkSize });
  let bytesRead = 0;
  async function* counted() {
    for await (const chunk of file) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  yield* through(counted(), stream, "gzip");
  // zlib stops at zeros after a member without an error.
  if (stream.bytesWritten !== bytesRead) throw corruptContent("gzip", "it has bytes after its end");
}

function decompressZstd(
  file: AsyncIterable<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Uint8Array, void, void> {
  return through(frameChunks(file), createZstdDecompress({ chunkSize }), "zstd");
}

/** The frames of a zstd file in chunks that end where a frame ends: Node ignores what follows a frame in the same chunk. */
async function* frameChunks(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let hasChecksum = false;
  for await (const part of zstdParts(file)) {
    if (part.kind === "header") hasChecksum = part.hasChecksum;
    parts.push(part.bytes);
    bytes += part.bytes.length;
    const isEnd = part.kind === "checksum" || (part.kind === "block" && part.isLast && !hasChecksum);
    if (!isEnd && bytes < INPUT_CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
}

/** The output of a decompressing stream. */
async function* through(
  file: AsyncIterable<Uint8Array>,
  stream: Duplex,
  format: Compression,
): AsyncGenerator<Uint8Array, void, void> {
  // An error of the file is thrown by `stream`. A reader that stops early is not an error.
  pipeline(file, stream).catch(() => {});
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw corruptContent(format, error.message, error);
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && /^(Z|ZSTD)_/.test(String((error as { code?: unknown }).code));
}
