/**
 * The codec on Node's zlib: compression runs on other threads, beside the next page's receive.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createGzip, gunzip } from "node:zlib";
import { permanent } from "@ferry/core/errors";
import type { Codec, Compressor } from "@ferry/core/ports";

/** zlib's codec. */
export const zlibCodec: Codec = {
  compress,
  decompress,
  md5: (bytes) => createHash("md5").update(bytes).digest("base64"),
};

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

function decompress(file: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // `info` tells how far zlib read: it says nothing of what lies behind the last gzip member.
    gunzip(file, { info: true }, (error, result) => {
      if (error) return reject(corrupt(error.message, error));
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
      if (engine.bytesWritten !== file.length)
        return reject(corrupt(`has ${file.length - engine.bytesWritten} bytes behind its end`));
      resolve(buffer);
    });
  });
}

function corrupt(why: string, cause?: unknown) {
  return permanent("corrupt-file", {
    operation: "decompress",
    resource: "a data file",
    message: `is not a whole gzip file: ${why}.`,
    hint: "The archive was damaged after it was written: restore from another backup.",
    ...(cause !== undefined && { cause }),
  });
}
