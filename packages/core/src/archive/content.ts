/**
 * Recognises what a data file holds by its first bytes: gzip, zstd or plain lines. Its name may say something else: readers
 * of exports ignore extensions.
 */
import { permanent, stopped } from "../errors/errors.ts";
import type { Compression } from "./compression.ts";

type Bytes = AsyncIterable<Uint8Array>;

/** The number of bytes that distinguish the formats. */
const HEAD_BYTES = 4;
const PLAIN_CHUNK_BYTES_MAX = 1024 * 1024;

/**
 * The decompressed bytes of a file, by the decoder of its format; plain lines as they are. Closes the file when the caller
 * stops. Permanent error: `corrupt-file`, for any other content.
 */
export async function* decompressByContent(
  file: Bytes,
  decoders: Readonly<Record<Compression, (file: Bytes) => Bytes>>,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = file[Symbol.asyncIterator]();
  try {
    const first: Uint8Array[] = [];
    const head: number[] = [];
    while (head.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done === true) break;
      // A chunk is valid only until the next one is requested.
      first.push(new Uint8Array(next.value));
      head.push(...next.value.subarray(0, HEAD_BYTES - head.length));
    }
    const format = formatOf(head);
    const whole = resumed(first, chunks);
    yield* format === "plain" ? plain(whole) : decoders[format](whole);
  } finally {
    await chunks.return?.();
  }
}

/** The error for bytes that are not a complete file of their format. */
export function corruptContent(format: Compression, reason: string, cause?: unknown) {
  return notReadable(`The data file is not a complete ${format} file: ${stopped(reason)}`, cause);
}

/** A file without bytes has no lines: plain. JSON text starts with `{` or white space. */
function formatOf(head: readonly number[]): Compression | "plain" {
  const [first, second, third, fourth] = head;
  if (first === 0x1f && second === 0x8b) return "gzip";
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) return "zstd";
  // A skippable frame, with which some zstd tools begin a file.
  if (first !== undefined && first >> 4 === 5 && second === 0x2a && third === 0x4d && fourth === 0x18)
    return "zstd";
  if (first === undefined || [0x7b, 0x20, 0x09, 0x0a, 0x0d].includes(first)) return "plain";
  const found = head.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw notReadable(
    `The data file is neither gzip nor zstd nor lines of JSON: it starts with the bytes ${found}.`,
  );
}

async function* resumed(first: readonly Uint8Array[], chunks: AsyncIterator<Uint8Array>): Bytes {
  yield* first;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* plain(file: Bytes): Bytes {
  for await (const chunk of file)
    for (let at = 0; at < chunk.length; at += PLAIN_CHUNK_BYTES_MAX)
      yield chunk.subarray(at, at + PLAIN_CHUNK_BYTES_MAX);
}

function notReadable(message: string, cause?: unknown) {
  return permanent("corrupt-file", {
    operation: "decompress",
    resource: "a data file",
    message,
    hint: "The archive was damaged after it was written: restore from another backup.",
    ...(cause !== undefined && { cause }),
  });
}
