/**
 * Splits a data file into blocks of whole lines, so that a file of any size is processed in little memory.
 */
import { eachLine } from "./data-file.ts";

const LINE_FEED = 0x0a;
/** The size of a block, unless a line is longer. */
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
  /** The end of each line in `bytes`, without its line feed. */
  readonly ends: Uint32Array;
  /** Memory of which `bytes` is a part. */
  readonly memory: Uint8Array;
}

/**
 * The memory of blocks that are not used any more, for later ones. New memory for each block makes the garbage collector mark the whole
 * heap, again after every few megabytes.
 */
const unused: Uint8Array[] = [];
/** As many as one file has that is kept in memory, with the default settings. */
const UNUSED_MAX = 64;

/** Lets a later block have the memory of this one: neither it nor any view of it is used afterwards. */
export function reuseBlock({ memory }: Block): void {
  if (memory.length === BLOCK_BYTES && unused.length < UNUSED_MAX) unused.push(memory);
}

/**
 * Splits the bytes of a file into blocks; copies each chunk before it requests the next one. Throws `tooLong(line)` for a line longer than
 * LINE_BYTES_MAX; `line` counts from 0. `allocate` makes memory of a size.
 */
export async function* blocksOf(
  chunks: AsyncIterable<Uint8Array>,
  tooLong: (line: number) => Error,
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): AsyncGenerator<Block, void, void> {
  const take = (bytes: number) => (bytes <= BLOCK_BYTES ? unused.pop() : undefined) ?? allocate(bytes);
  let firstLine = 0;
  let memory: Uint8Array = new Uint8Array(0);
  let used = 0;
  const blockOf = (bytes: Uint8Array, from: Uint8Array): Block => {
    const ends = lineEnds(bytes);
    const block = { bytes, firstLine, lines: ends.length, ends, memory: from };
    firstLine += block.lines;
    return block;
  };
  const moveTo = (larger: Uint8Array, from: number) => {
    larger.set(memory.subarray(from, used));
    memory = larger;
    used -= from;
  };
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      if (used === memory.length) {
        const cut = used < BLOCK_BYTES ? 0 : memory.lastIndexOf(LINE_FEED) + 1;
        if (cut > 0) {
          const full = memory;
          moveTo(take(Math.max(BLOCK_BYTES, used - cut)), cut);
          yield blockOf(full.subarray(0, cut), full);
          continue;
        }
        if (used > LINE_BYTES_MAX) throw tooLong(firstLine);
        // The first block begins small: most files of small tables have one small chunk.
        const most = used < BLOCK_BYTES ? BLOCK_BYTES : LINE_BYTES_MAX + 1;
        moveTo(take(Math.min(most, Math.max(2 * used, chunk.length))), 0);
      }
      const upTo = Math.min(chunk.length, at + memory.length - used);
      memory.set(chunk.subarray(at, upTo), used);
      used += upTo - at;
      at = upTo;
    }
  }
  const rest = memory.subarray(0, used);
  if (used > LINE_BYTES_MAX && !rest.includes(LINE_FEED)) throw tooLong(firstLine);
  if (used > 0) yield blockOf(rest, memory);
}

/** Grows with the lines of a block. */
let scratch = new Uint32Array(16 * 1024);

function lineEnds(bytes: Uint8Array): Uint32Array {
  let lines = 0;
  eachLine(bytes, (_, end) => {
    if (lines === scratch.length) {
      const larger = new Uint32Array(2 * lines);
      larger.set(scratch);
      scratch = larger;
    }
    scratch[lines++] = end;
  });
  return scratch.slice(0, lines);
}
