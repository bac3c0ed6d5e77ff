/**
 * The pure codec: synchronous and deterministic. The simulation's, and a browser's.
 */
import { Deflate, ungzip } from "pako";
import { permanent } from "../errors.ts";
import type { Codec, Compressor } from "../ports.ts";

/** A codec on pako; the digest comes from outside, as this package has none. */
export function pakoCodec(md5: (bytes: Uint8Array) => string): Codec {
  return {
    compress,
    async decompress(file) {
      try {
        return ungzip(file);
      } catch (error) {
        throw permanent("corrupt-file", {
          operation: "decompress",
          resource: "a data file",
          message: `is not a whole gzip file: ${String(error)}.`,
          hint: "The archive was damaged after it was written: restore from another backup.",
          cause: error,
        });
      }
    },
    md5,
  };
}

function compress(level: number): Compressor {
  const deflate = new Deflate({ gzip: true, level });
  return {
    async write(bytes) {
      deflate.push(bytes, false);
    },
    async finish() {
      deflate.push(new Uint8Array(0), true);
      if (deflate.err) throw new Error(`pako could not compress: ${deflate.msg}`);
      return deflate.result;
    },
    discard() {},
  };
}
