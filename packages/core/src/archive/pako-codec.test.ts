import { openMd5 } from "@ferry/memory/ports";
import { describe, expect, test } from "vitest";
import { chunksOf, gathered } from "./chunks.ts";
import { pakoCodec } from "./pako-codec.ts";

const codec = pakoCodec(openMd5);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function compressed(text: string, level = 6): Promise<Uint8Array> {
  const file = codec.compress("gzip", level);
  await file.write(encoder.encode(text));
  return file.finish();
}

/** The bytes in chunks of `size`. */
async function* inChunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const textOf = async (file: AsyncIterable<Uint8Array>) =>
  decoder.decode(await gathered(codec.decompress(file)));
const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Text that hardly compresses. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(33 + (state % 90));
  }).join("");
}

describe("pako's codec", () => {
  test("reads what it wrote in several parts, in chunks of any size", async () => {
    const file = codec.compress("gzip", 6);
    for (const part of ["one,", "", "two,", "three"]) await file.write(encoder.encode(part));
    const bytes = await file.finish();
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    for (const size of [1, 7, bytes.length])
      expect(await textOf(inChunks(bytes, size))).toBe("one,two,three");
  });

  test.each([0, 65_535, 65_536, 65_537, 131_072, 200_000])(
    "reads a file of %i bytes, in chunks of at most 64 KiB",
    async (length) => {
      const text = noise(length);
      const file = await compressed(text);
      const sizes: number[] = [];
      let read = "";
      for await (const chunk of codec.decompress(chunksOf(file))) {
        sizes.push(chunk.length);
        read += decoder.decode(chunk);
      }
      expect(read).toBe(text);
      const whole = Math.floor(length / 65_536);
      const rest = length % 65_536;
      expect(sizes).toEqual([...Array.from({ length: whole }, () => 65_536), ...(rest > 0 ? [rest] : [])]);
    },
  );

  test("reads a file whose first chunk fills the output exactly", async () => {
    const text = noise(150_000);
    // Without compression, so that one of these chunks has exactly 64 KiB of the text.
    const file = await compressed(text, 0);
    for (let cut = 65_536; cut < 65_536 + 40; cut++) {
      async function* two() {
        yield file.subarray(0, cut);
        yield file.subarray(cut);
      }
      expect(await textOf(two())).toBe(text);
    }
  });

  test("reads several members, also if they begin or end at a chunk's border", async () => {
    const members = await Promise.all(["one,", "", "two", noise(65_536)].map((text) => compressed(text)));
    const expected = `one,two${noise(65_536)}`;
    expect(await textOf(chunksOf(joined(...members)))).toBe(expected);
    async function* borders() {
      yield* members;
    }
    expect(await textOf(borders())).toBe(expected);
  });

  test("a higher level gives a smaller file", async () => {
    const text = Array.from({ length: 5000 }, (_, i) => `{"id":{"N":"${i * i}"}}`).join("\n");
    expect((await compressed(text, 9)).length).toBeLessThan((await compressed(text, 1)).length);
  });

  test.each([
    ["a header only", Uint8Array.of(0x1f, 0x8b), "it is truncated"],
    ["a damaged header", Uint8Array.of(0x1f, 0x8b, 0xff, 0xff), "unknown compression method"],
  ])("a file with %s is refused with the reason", async (_, file, reason) => {
    await expect(textOf(chunksOf(file))).rejects.toMatchObject({
      kind: "permanent",
      code: "corrupt-file",
      operation: "decompress",
      resource: "a data file",
      message: expect.stringContaining(`is not a complete gzip file: ${reason}.`),
    });
  });

  test("a file that is cut off, changed, or followed by other bytes is refused", async () => {
    const file = await compressed("some text, some text, some text");
    const flipped = file.with(file.length - 6, file.at(-6)! ^ 1);
    for (const damaged of [
      file.subarray(0, -1),
      file.subarray(0, 12),
      flipped,
      joined(file, Uint8Array.of(1)),
    ])
      await expect(textOf(chunksOf(damaged))).rejects.toMatchObject({ code: "corrupt-file" });
  });

  test("its digest is MD5 in base64, of a whole or of parts", () => {
    expect(codec.md5(encoder.encode("hello"))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
    const md5 = codec.openMd5();
    for (const part of ["he", "llo"]) md5.update(encoder.encode(part));
    expect(md5.digest()).toBe("XUFAKrxLKna5cZ2REBfFkg==");
  });

  test("a discarded file needs nothing more", async () => {
    const file = codec.compress("gzip", 6);
    await file.write(encoder.encode("x"));
    expect(file.discard()).toBeUndefined();
  });
});
