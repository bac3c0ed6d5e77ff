/**
 * The codec on Node's zlib: compression runs on other threads while the next page is received.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Compression } from "@ferry/core/archive/compression";
import { corruptContent, decompressByContent } from "@ferry/core/archive/content";
import { zstdParts } from "@ferry/core/archive/zstd-frames";
import type { Codec, Compressor } from "@ferry/core/ports";
import { freeMemory } from "./free-memory.ts";

/** zlib's codec. */
export const zlibCodec: Codec = {
  compress,
  decompress: (file) =>
    decompressByContent(file, {
      gzip: (chunks) => output(gunzip(chunks)),
      zstd: (chunks) => output(decompressZstd(chunks)),
    }),
  allocate: (bytes) => Buffer.from(new ArrayBuffer(bytes)),
  md5: (bytes) => createHash("md5").update(bytes).digest("base64"),
  openMd5() {
    const hash = createHash("md5");
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
  },
};

const CHUNK_BYTES = 256 * 1024;
const INPUT_CHUNK_BYTES = 64 * 1024;

const OUTPUT_CHUNK_BYTES = 64 * 1024;
/** Above the size of every compressed file: a file has at most 256 MiB of lines and one more item. */
const FILE_BYTES_MAX = 512 * 1024 * 1024;
const FILE_STEP_BYTES = 1024 * 1024;

async function* output(chunks: AsyncIterable<Uint8Array>) {
  for await (const chunk of chunks) {
    yield chunk;
    freeChunk(chunk, CHUNK_BYTES);
  }
}

/** Frees the memory of a chunk that zlib made. zlib puts several chunks into one buffer, which is freed with its last chunk. */
function freeChunk(chunk: Uint8Array, chunkBytes: number): void {
  const { buffer, byteOffset, length } = chunk;
  const isFull = buffer.byteLength === chunkBytes && byteOffset + length === chunkBytes;
  freeMemory(isFull ? new Uint8Array(buffer) : chunk);
}

function compress(compression: Compression, level: number): Compressor {
  const stream =
    compression === "gzip"
      ? createGzip({ level, chunkSize: OUTPUT_CHUNK_BYTES })
      : createZstdCompress({
          chunkSize: OUTPUT_CHUNK_BYTES,
          params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
        });
  const file = openFile();
  // The whole file is kept in memory, so the output needs no backpressure; the input has one write at a time.
  stream.on("data", (chunk: Buffer) => {
    file.append(chunk);
    freeChunk(chunk, OUTPUT_CHUNK_BYTES);
  });
  // The next write or finish reports a failure; until then it must not end the process.
  stream.on("error", () => {});

  return {
    // A callback, not `drain`: an ended stream emits no `drain`, so a pending write would never settle.
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(stream.errored ?? error) : resolve()));
      }),
    compressedBytes: file.size,
    async finish() {
      if (stream.errored) throw stream.errored;
      stream.end();
      await once(stream, "end");
      return file.bytes();
    },
    discard() {
      // The error rejects pending writes.
      stream.destroy(new Error("the file was discarded"));
      file.free();
    },
  };
}

/**
 * A file that grows in its place: address space is reserved, and memory is added as it is filled. A list of chunks, and a copy of them at the
 * end, would be twice as large.
 */
function openFile() {
  const memory = new ArrayBuffer(0, { maxByteLength: FILE_BYTES_MAX });
  const bytes = Buffer.from(memory);
  let used = 0;
  return {
    append(chunk: Uint8Array) {
      const needed = used + chunk.length;
      if (needed > memory.byteLength) memory.resize(Math.ceil(needed / FILE_STEP_BYTES) * FILE_STEP_BYTES);
      bytes.set(chunk, used);
      used = needed;
    },
    size: () => used,
    bytes: () => Buffer.from(memory, 0, used),
    free: () => memory.resize(0),
  };
}

/** Backpressure applies: the file is read only as fast as the caller takes chunks. */
async function* gunzip(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const stream = createGunzip({ chunkSize: CHUNK_BYTES });
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

function decompressZstd(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  return through(frameChunks(file), createZstdDecompress({ chunkSize: CHUNK_BYTES }), "zstd");
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
    // Each part is a copy that nothing else has.
    const chunk = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    yield chunk;
    for (const used of [chunk, ...parts]) freeMemory(used);
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
  pump(file, stream).catch((error: unknown) => stream.destroy(error as Error));
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw corruptContent(format, error.message, error);
  }
}

/** Requests a chunk when the one before it is used: then it may not be valid any more. `pipeline` would have some of them waiting. */
async function pump(file: AsyncIterable<Uint8Array>, stream: Duplex): Promise<void> {
  for await (const chunk of file)
    await new Promise<void>((resolve, reject) => {
      stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  stream.end();
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && /^(Z|ZSTD)_/.test(String((error as { code?: unknown }).code));
}
