/**
 * The codec on Node's zlib: compression runs on other threads while the next page is received.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { permanent } from "@ferry/core/errors";
import type { Codec, Compressor } from "@ferry/core/ports";

/** zlib's codec. */
export const zlibCodec: Codec = {
  compress,
  decompress,
  md5: (bytes) => createHash("md5").update(bytes).digest("base64"),
  openMd5() {
    const hash = createHash("md5");
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
  },
};

const CHUNK_BYTES = 256 * 1024;

function compress(level: number): Compressor {
  const gzip = createGzip({ level, chunkSize: 64 * 1024 });
  const chunks: Buffer[] = [];
  // The whole file is kept in memory, so the output needs no backpressure; the input has one write at a time.
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  // The next write or finish reports a failure; until then it must not end the process.
  gzip.on("error", () => {});

  return {
    // A callback, not `drain`: an ended stream emits no `drain`, so a pending write would never settle.
    write: (bytes) =>
      new Promise((resolve, reject) => {
        gzip.write(bytes, (error) => (error ? reject(gzip.errored ?? error) : resolve()));
      }),
    async finish() {
      if (gzip.errored) throw gzip.errored;
      gzip.end();
      await once(gzip, "end");
      return Buffer.concat(chunks);
    },
    discard() {
      // The error rejects pending writes.
      gzip.destroy(new Error("the file was discarded"));
      chunks.length = 0;
    },
  };
}

/** Backpressure applies: the file is read only as fast as the caller takes chunks. */
async function* decompress(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let bytesRead = 0;
  async function* counted() {
    for await (const chunk of file) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  // An error of the file is thrown by `gunzip`. A reader that stops early is not an error.
  pipeline(counted(), gunzip).catch(() => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw corrupt(error.message, error);
  }
  // zlib stops at zeros after a member without an error.
  if (gunzip.bytesWritten !== bytesRead) throw corrupt("it has bytes after its end");
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && /^Z_/.test(String((error as { code?: unknown }).code));
}

function corrupt(reason: string, cause?: unknown) {
  return permanent("corrupt-file", {
    operation: "decompress",
    resource: "a data file",
    message: `is not a complete gzip file: ${reason}.`,
    hint: "The archive was damaged after it was written: restore from another backup.",
    ...(cause !== undefined && { cause }),
  });
}
