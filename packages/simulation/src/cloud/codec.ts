/**
 * A codec for whose threads virtual time waits.
 */
import type { Codec } from "@ferry/core/ports";
import type { Scheduler } from "./scheduler.ts";

/** The same codec. Its results come in the order of the calls. */
export function orderedCodec(codec: Codec, outside: Scheduler["outside"]): Codec {
  /** Reads the whole file first: reading takes virtual time, which must not depend on the progress of a thread. */
  async function* decompress(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    const read: Uint8Array[] = [];
    for await (const chunk of file) read.push(new Uint8Array(chunk));
    const decompressed = codec.decompress(each(read))[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await outside(() => decompressed.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await outside(async () => decompressed.return?.());
    }
  }

  return {
    ...codec,
    compress(compression, level) {
      const compressor = codec.compress(compression, level);
      return {
        write: (bytes) => outside(() => compressor.write(bytes)),
        compressedBytes: compressor.compressedBytes,
        finish: () => outside(() => compressor.finish()),
        discard: () => compressor.discard(),
      };
    },
    decompress,
  };
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T, void, void> {
  yield* values;
}
