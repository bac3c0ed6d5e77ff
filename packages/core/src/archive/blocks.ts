/**
 * Lines in blocks: how a data file of any size passes through little memory.
 */
import { eachLine } from "./data-file.ts";

const LINE_FEED = 0x0a;
/** A block has this much, unless a line is longer, and up to a chunk more. */
const BLOCK_BYTES = 1024 * 1024;
/**
 * The longest line. An item has 400 KB as DynamoDB counts. The JSON of a counted byte is 68 bytes at most: a number in a
 * set counts as two where it has one digit, and is written with up to 131 zeros and a point.
 */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** Whole lines of a file. */
export interface Block {
  readonly bytes: Uint8Array;
  /** The number of its first line, from 0. Empty lines have no number. */
  readonly firstLine: number;
  /** How many lines it has. */
  readonly lines: number;
}

/**
 * Cuts the bytes of a file into blocks; one copy. Throws `tooLong(number)` at a line of more than LINE_BYTES_MAX, whose
 * number counts from 0.
 */
export async function* blocksOf(
  chunks: AsyncIterable<Uint8Array>,
  tooLong: (line: number) => Error,
): AsyncGenerator<Block, void, void> {
  let firstLine = 0;
  let parts: Uint8Array[] = [];
  let partsBytes = 0;
  /** What came of the last line so far. */
  let lineBytes = 0;
  const take = (): Block => {
    const bytes = joined(parts, partsBytes);
    const block = { bytes, firstLine, lines: countLines(bytes) };
    firstLine += block.lines;
    parts = [];
    partsBytes = 0;
    return block;
  };
  const keep = (part: Uint8Array) => {
    if (part.length === 0) return;
    parts.push(part);
    partsBytes += part.length;
  };
  for await (const chunk of chunks) {
    const feed = chunk.indexOf(LINE_FEED);
    if (lineBytes + (feed === -1 ? chunk.length : feed) > LINE_BYTES_MAX)
      throw tooLong(firstLine + take().lines - 1);
    const cut = chunk.lastIndexOf(LINE_FEED) + 1;
    lineBytes = (feed === -1 ? lineBytes : 0) + chunk.length - cut;
    if (cut === 0 || partsBytes + cut < BLOCK_BYTES) {
      keep(chunk);
      continue;
    }
    keep(chunk.subarray(0, cut));
    yield take();
    keep(chunk.subarray(cut));
  }
  if (partsBytes > 0) yield take();
}

/** The parts as one. A single part is copied too: it may be a small view of a large buffer. */
function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  eachLine(bytes, () => lines++);
  return lines;
}
