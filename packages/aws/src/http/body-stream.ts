/**
 * The body of a response while it is received, for bodies that are too large to be received whole. The socket reads into a few buffers
 * that are used again and again: node:http makes a new buffer for each 64 KiB, and a copy of it, so V8 marks the whole heap again and again.
 */

/** Where the bytes of a body are received. */
export interface BodySink {
  /** Where the next bytes belong, at least one. It changes with each call of `received`. */
  space(): Uint8Array;
  /** Tells that so many bytes were stored at the start of `space()`. */
  received(count: number): void;
}

/** What the reader of a body does with its connection. */
export interface Flow {
  /** Lets the socket read on, if it does not. */
  resume(): void;
  /** Closes the connection before the end of the body. */
  stop(): void;
}

export interface BodyStream extends BodySink {
  /**
   * Yields the bytes in order. A chunk is valid until the next one is requested. Call it once; ending the iteration early closes the
   * connection.
   */
  chunks(): AsyncGenerator<Uint8Array, undefined, void>;
  /** Closes the connection, unless the body was received to its end. */
  stop(): void;
  /** Whether so much waits for the reader that the socket should not read on until `resume` is called. */
  isFull(): boolean;
  /** All bytes were received. */
  end(): void;
  /** The connection broke. The iteration throws the error after the bytes that were received. */
  fail(error: Error): void;
}

const BUFFER_BYTES = 256 * 1024;
/** A chunk has at least this size if more bytes follow: each one is a call of zlib on another thread. */
const CHUNK_BYTES_MIN = 64 * 1024;
/** Less space than this at the end of a buffer is left unused. A TLS record has 16 KiB. */
const SPACE_BYTES_MIN = 16 * 1024;
/** So much may wait for the reader. */
const WAITING_BYTES_MAX = 2 * BUFFER_BYTES;

/** Buffers that no body uses. */
const unused: Uint8Array[] = [];
const UNUSED_MAX = 16;

/** A buffer that the socket fills from its start, and of which the reader has taken the first bytes. */
interface Filling {
  readonly memory: Uint8Array;
  filled: number;
  taken: number;
}

export function openBodyStream(flow: Flow): BodyStream {
  /** The socket fills the last one. */
  const buffers: Filling[] = [openBuffer()];
  let waitingBytes = 0;
  /** Why no more bytes come. */
  let ended: "complete" | Error | undefined;
  let wake: (() => void) | undefined;

  /** Whether the reader has something to do. A small part waits for more. */
  function hasChunk(): boolean {
    return waitingBytes >= CHUNK_BYTES_MIN || ended !== undefined;
  }

  /** The bytes that wait in the first buffer. */
  function takeChunk(): Uint8Array {
    const first = buffers[0]!;
    const chunk = first.memory.subarray(first.taken, first.filled);
    first.taken = first.filled;
    waitingBytes -= chunk.length;
    if (!isFull()) flow.resume();
    return chunk;
  }

  /** Lets go of the buffers that the reader has used, apart from the one that the socket fills. */
  function release(): void {
    while (buffers.length > 1 && buffers[0]!.taken === buffers[0]!.filled) reuse(buffers.shift()!);
  }

  async function* chunks(): AsyncGenerator<Uint8Array, undefined, void> {
    try {
      for (;;) {
        release();
        if (!hasChunk())
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        else if (waitingBytes > 0) yield takeChunk();
        else if (ended === "complete") return;
        else if (ended !== undefined) throw ended;
      }
    } finally {
      stop();
      // The socket does not fill them any more.
      for (const buffer of buffers.splice(0)) reuse(buffer);
    }
  }

  function stop(): void {
    if (ended === undefined) flow.stop();
  }

  function isFull(): boolean {
    return waitingBytes >= WAITING_BYTES_MAX;
  }

  function wakeReader(): void {
    if (hasChunk()) wake?.();
  }

  return {
    chunks,
    stop,
    space() {
      const last = buffers.at(-1)!;
      if (last.memory.length - last.filled < SPACE_BYTES_MIN) buffers.push(openBuffer());
      const { memory, filled } = buffers.at(-1)!;
      return memory.subarray(filled);
    },
    received(count) {
      buffers.at(-1)!.filled += count;
      waitingBytes += count;
      wakeReader();
    },
    isFull,
    end() {
      ended ??= "complete";
      wakeReader();
    },
    fail(error) {
      ended ??= error;
      wakeReader();
    },
  };
}

function openBuffer(): Filling {
  return { memory: unused.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES), filled: 0, taken: 0 };
}

function reuse({ memory }: Filling): void {
  if (unused.length < UNUSED_MAX) unused.push(memory);
}
