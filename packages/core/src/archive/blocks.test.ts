import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Block, blocksOf, LINE_BYTES_MAX, reuseBlock } from "./blocks.ts";
import { gathered } from "./chunks.ts";
import { lineSpans } from "./data-file.ts";

const MIB = 1024 * 1024;
const encode = (text: string) => new TextEncoder().encode(text);
const tooLong = (line: number) => new Error(`line ${line} is too long`);

/** The bytes in chunks, each of which is overwritten once the next one is requested. */
async function* chunked(bytes: Uint8Array, sizes: readonly number[]) {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    const chunk = bytes.slice(at, at + size);
    yield chunk;
    chunk.fill(0);
    at += size;
  }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Block[]> {
  const blocks: Block[] = [];
  for await (const block of blocksOf(chunks, tooLong)) blocks.push(block);
  return blocks;
}

/** Lines of many lengths, up to 2 MiB, some of them empty; the last may have no line feed. */
const fileArbitrary = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.nat(50) },
        { weight: 2, arbitrary: fc.nat(100_000) },
        { weight: 1, arbitrary: fc.nat(2 * MIB) },
      ),
      { maxLength: 15 },
    ),
    fc.boolean(),
  )
  .map(([lengths, hasFinalFeed]) => {
    const text = lengths.map((length, n) => String(n % 10).repeat(length)).join("\n");
    return encode(hasFinalFeed ? `${text}\n` : text);
  });
const sizesArbitrary = fc.array(fc.integer({ min: 1000, max: MIB }), { minLength: 1, maxLength: 5 });

describe("blocks", () => {
  test("hold the file's bytes in order as whole, numbered lines", () =>
    fc.assert(
      fc.asyncProperty(fileArbitrary, sizesArbitrary, async (file, sizes) => {
        const blocks = await all(chunked(file, sizes));
        async function* bodies() {
          for (const { bytes } of blocks) yield bytes;
        }
        expect(Buffer.compare(await gathered(bodies()), file)).toBe(0);
        let line = 0;
        for (const block of blocks) {
          expect(block.firstLine).toBe(line);
          expect(block.lines).toBe(block.ends.length);
          expect([...block.ends]).toEqual(lineSpans(block.bytes).map(({ end }) => end));
          line += block.lines;
        }
        expect(line).toBe(lineSpans(file).length);
        for (const { bytes } of blocks.slice(0, -1)) expect(bytes.at(-1)).toBe(0x0a);
      }),
      { numRuns: 40 },
    ));

  test("of a file of short lines are not much larger than 1 MiB", async () => {
    const file = encode("x\n".repeat(4 * MIB));
    const sizes = (await all(chunked(file, [100_000]))).map(({ bytes }) => bytes.length);
    expect(Math.max(...sizes)).toBeLessThan(1.2 * MIB);
    expect(sizes.length).toBeGreaterThan(6);
  });

  test("copy their bytes, so that they do not keep large chunk buffers in memory", async () => {
    const large = new Uint8Array(8 * MIB).fill(0x78);
    large[10] = 0x0a;
    const [block] = await all(chunked(large.subarray(0, 11), [11]));
    expect(block!.bytes.buffer.byteLength).toBe(11);
  });

  test("have the memory of blocks that are not used any more", async () => {
    const file = encode(`${"x".repeat(99)}\n`.repeat(30_000));
    const unused = new Set<ArrayBufferLike>();
    for (const block of await all(chunked(file, [100_000]))) {
      reuseBlock(block);
      unused.add(block.bytes.buffer);
    }
    const blocks = await all(chunked(file, [100_000]));
    expect(blocks.length).toBeGreaterThan(2);
    for (const { bytes } of blocks) expect(unused).toContain(bytes.buffer);
    // In use again: a third file gets none of it.
    const others = await all(chunked(file, [100_000]));
    expect(others.filter(({ bytes }) => unused.has(bytes.buffer))).toHaveLength(0);
  });

  test("accept a line of the maximum length; a longer line is an error before it is read to its end", async () => {
    const exact = new Uint8Array(2 + LINE_BYTES_MAX + 1).fill(0x78);
    exact[1] = exact[exact.length - 1] = 0x0a;
    const read = await all(chunked(exact, [MIB]));
    expect(read.map(({ firstLine, lines }) => ({ firstLine, lines }))).toEqual([
      { firstLine: 0, lines: 1 },
      { firstLine: 1, lines: 1 },
    ]);
    let yieldedBytes = 0;
    async function* endlessLine() {
      yield encode("a\nb\n\n");
      for (
        const chunk = new Uint8Array(MIB).fill(0x20);
        yieldedBytes < 10 * LINE_BYTES_MAX;
        yieldedBytes += MIB
      )
        yield chunk;
    }
    await expect(all(endlessLine())).rejects.toThrow("line 2 is too long");
    expect(yieldedBytes).toBeLessThanOrEqual(LINE_BYTES_MAX + MIB);
    await expect(all(chunked(exact.fill(0x78), [MIB]))).rejects.toThrow("line 0 is too long");
    // It is the last line, without a line feed, and one byte too long.
    const last = exact.subarray(0, LINE_BYTES_MAX + 1);
    await expect(all(chunked(last, [MIB]))).rejects.toThrow("line 0 is too long");
    expect(await all(chunked(last.subarray(1), [MIB]))).toMatchObject([{ firstLine: 0, lines: 1 }]);
    const longer = new Uint8Array(2 + LINE_BYTES_MAX + 2).fill(0x78);
    longer[1] = longer[longer.length - 1] = 0x0a;
    await expect(all(chunked(longer, [MIB]))).rejects.toThrow("line 1 is too long");
  });
});
