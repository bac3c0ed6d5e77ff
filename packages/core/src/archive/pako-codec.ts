/**
 * A codec without Node: synchronous and deterministic. The simulation uses it, and the `ferry` command reads data files with it.
 */
import {
  Deflate,
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from "pako";
import type { Codec, Compressor, Md5 } from "../ports.ts";
import { corruptContent, decompressByContent } from "./content.ts";
import { decompressZstd, storeZstd } from "./pure-zstd.ts";

/** zlib's code for the gzip format with the largest window. */
const GZIP_WINDOW_BITS = 31;
const CHUNK_BYTES = 64 * 1024;

/**
 * A codec based on pako and, for zstd, on fzstd. Its zstd files are not compressed, at any level. The caller supplies MD5, which
 * this package does not contain.
 */
export function pakoCodec(openMd5: () => Md5): Codec {
  return {
    compress: (compression, level) => (compression === "gzip" ? gzip(level) : storeZstd()),
    decompress: (file) => decompressByContent(file, { gzip: gunzip, zstd: decompressZstd }),
    allocate: (bytes) => new Uint8Array(bytes),
    md5(bytes) {
      const md5 = openMd5();
      md5.update(bytes);
      return md5.digest();
    },
    openMd5,
  };
}

async function* gunzip(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const stream = new ZStream();
  zlibInflateInit2(stream, GZIP_WINDOW_BITS);
  let memberEnded = false;
  stream.output = new Uint8Array(CHUNK_BYTES);
  for await (const chunk of file) {
    stream.input = chunk;
    stream.next_in = 0;
    stream.avail_in = chunk.length;
    stream.avail_out = CHUNK_BYTES;
    // If the output chunk is full, there may be more output.
    while (stream.avail_in > 0 || (!memberEnded && stream.avail_out === 0)) {
      // Only another gzip member may follow a member; zlib checks its header.
      if (memberEnded) zlibInflateReset(stream);
      stream.next_out = 0;
      stream.avail_out = CHUNK_BYTES;
      const status = zlibInflate(stream, Z_NO_FLUSH);
      if (status !== Z_OK && status !== Z_STREAM_END && status !== Z_BUF_ERROR)
        throw corruptContent("gzip", stream.msg || `status ${status}`);
      memberEnded = status === Z_STREAM_END;
      if (stream.next_out > 0) yield stream.output.subarray(0, stream.next_out);
    }
  }
  if (!memberEnded) throw corruptContent("gzip", "it is truncated");
}

function gzip(level: number): Compressor {
  const deflate = new Deflate({ gzip: true, level });
  let compressedBytes = 0;
  const collect = deflate.onData;
  deflate.onData = (chunk) => {
    compressedBytes += chunk.length;
    collect.call(deflate, chunk);
  };
  return {
    async write(bytes) {
      deflate.push(bytes, false);
    },
    compressedBytes: () => compressedBytes,
    async finish() {
      deflate.push(new Uint8Array(0), true);
      if (deflate.err) throw new Error(`pako could not compress: ${deflate.msg}`);
      return deflate.result;
    },
    discard() {},
  };
}
