/**
 * The codec on Node's zlib: compression runs on other threads, beside the next page's receive.
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
  // Taken as they come: the file is kept in memory whole, so only the input is held back, to one write at a time.
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A failure is told by the next write or by finish; until then it must not bring the process down.
  gzip.on("error", () => {});

  return {
    // By callback, not by `drain`: a stream that is ended drains no more, and whoever waits would wait for ever.
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
      // With an error, so that a write that waits is not left waiting.
      gzip.destroy(new Error("the file was given up"));
      chunks.length = 0;
    },
  };
}

/** The file is read as fast as chunks are asked for: streams hold each other back. */
async function* decompress(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let bytesRead = 0;
  async function* counted() {
    for await (const chunk of file) {
      bytesRead += chunk.length;
      yield chunk;
    }
  }
  // What goes wrong in the file comes out of `gunzip`; where the reader stops early, nothing is wrong.
  pipeline(counted(), gunzip).catch(() => {});
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw corrupt(error.message, error);
  }
  // zlib ends at zeros behind a member, and says nothing.
  if (gunzip.bytesWritten !== bytesRead) throw corrupt("it has bytes behind its end");
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && /^Z_/.test(String((error as { code?: unknown }).code));
}

function corrupt(why: string, cause?: unknown) {
  return permanent("corrupt-file", {
    operation: "decompress",
    resource: "a data file",
    message: `is not a complete gzip file: ${why}.`,
    hint: "The archive was damaged after it was written: restore from another backup.",
    ...(cause !== undefined && { cause }),
  });
}
