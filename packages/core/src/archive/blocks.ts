/**
 * Splits a data file into blocks of whole lines, so that a file of any size is processed in little memory.
 */
import { eachLine } from "./data-file.ts";

const LINE_FEED = 0x0a;
/** The target size of a block. A block is larger by up to one chunk, or if a line is longer. */
const BLOCK_BYTES = 1024 * 1024;
/**
 * The maximum length of a line. DynamoDB limits an item to 400 KB by its own count. One counted byte takes at most 68 bytes
 * of JSON: a one-digit number in a set counts as two bytes, and may be written with up to 131 zeros and a point.
 */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Whole lines of a file. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The number of its first line, from 0. Empty lines are not counted. */
  readonly firstLine: number;
  /** The number of lines. */
  readonly lines: number;
}

/**
 * Splits the bytes of a file into blocks; copies them at most once. Throws `tooLong(line)` for a line longer than LINE_BYTES_MAX;
 * `line` counts from 0.
 */
export async function* blocksOf(
  chunks: AsyncIterable<Uint8Array>,
  tooLong: (line: number) => Error,
): AsyncGenerator<Block, void, void> {
  let firstLine = 0;
  let parts: Uint8Array[] = [];
  let partsBytes = 0;
  /** The length of the incomplete last line so far. */
  let lineBytes = 0;
  const takeBlock = (): Block => {
    const bytes = concatenate(parts, partsBytes);
    const block = { bytes, firstLine, lines: countLines(bytes) };
    firstLine += block.lines;
    parts = [];
    partsBytes = 0;
    return block;
  };
  const append = (part: Uint8Array) => {
    if (part.length === 0) return;
    parts.push(part);
    partsBytes += part.length;
  };
  for await (const chunk of chunks) {
    const feed = chunk.indexOf(LINE_FEED);
    if (lineBytes + (feed === -1 ? chunk.length : feed) > LINE_BYTES_MAX)
      throw tooLong(firstLine + takeBlock().lines - 1);
    const cut = chunk.lastIndexOf(LINE_FEED) + 1;
    lineBytes = (feed === -1 ? lineBytes : 0) + chunk.length - cut;
    if (cut === 0 || partsBytes + cut < BLOCK_BYTES) {
      append(chunk);
      continue;
    }
    append(chunk.subarray(0, cut));
    yield takeBlock();
    append(chunk.subarray(cut));
  }
  if (partsBytes > 0) yield takeBlock();
}

/**
 * The parts as one array: a view if they follow each other in one buffer, otherwise a copy. A block of less than the target size
 * is copied too: it may be a small view of a large buffer.
 */
function concatenate(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts;
  if (first !== undefined && bytes >= BLOCK_BYTES && followEachOther(parts))
    return new Uint8Array(first.buffer, first.byteOffset, bytes);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function followEachOther(parts: readonly Uint8Array[]): boolean {
  let [{ buffer, byteOffset: next }] = parts as [Uint8Array];
  for (const part of parts) {
    if (part.buffer !== buffer || part.byteOffset !== next) return false;
    next += part.length;
  }
  return true;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  eachLine(bytes, () => lines++);
  return lines;
}
