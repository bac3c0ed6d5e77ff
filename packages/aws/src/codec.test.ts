import { randomBytes } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { chunksOf, gathered } from "@ferry/core/archive/chunks";
import type { Codec } from "@ferry/core/ports";
import { describe, expect, it } from "vitest";
import { zlibCodec } from "./codec.ts";

async function compressed(codec: Codec, parts: readonly Uint8Array[], level: number): Promise<Uint8Array> {
  const file = codec.compress("gzip", level);
  for (const part of parts) await file.write(part);
  return file.finish();
}

function decompressed(codec: Codec, file: Uint8Array): Promise<Uint8Array> {
  return gathered(codec.decompress(chunksOf(file)));
}

describe("zlib's codec", () => {
  it("allocates Buffers, whose indexOf is fast", () => {
    expect(Buffer.isBuffer(zlibCodec.allocate(10).subarray(2))).toBe(true);
  });

  it("given many concurrent large writes, all bytes are written in order", async () => {
    const parts = Array.from({ length: 10 }, (_, i) => Buffer.alloc(1_000_000, `${i} `));
    const file = zlibCodec.compress("gzip", 1);
    const writes = parts.map((part) => file.write(part));
    const body = await file.finish();
    await Promise.all(writes);
    expect(Buffer.compare(await decompressed(zlibCodec, body), Buffer.concat(parts))).toBe(0);
  });

  it.each([
    ["text", Buffer.from("garbage")],
    ["zeros", Buffer.alloc(3)],
    ["half a file", gzipSync("more").subarray(0, 12)],
    ["one byte", Buffer.from([0x1f])],
  ])("given %s after the last member, decompress fails with corrupt-file", async (_, garbage) => {
    const file = Buffer.concat([gzipSync("one"), garbage]);
    await expect(decompressed(zlibCodec, file)).rejects.toMatchObject({
      kind: "permanent",
      code: "corrupt-file",
    });
  });

  it("given several members, all are read", async () => {
    const file = Buffer.concat([gzipSync("one,"), gzipSync(""), gzipSync("two")]);
    expect(Buffer.from(await decompressed(zlibCodec, file)).toString()).toBe("one,two");
  });

  it("discard ends every pending write", async () => {
    const file = zlibCodec.compress("gzip", 9);
    const writes = [file.write(Buffer.alloc(4_000_000, "x")), file.write(Buffer.alloc(4_000_000, "y"))];
    file.discard();
    // The write that is already on a thread may succeed; what matters is that both settle.
    const [, second] = await Promise.allSettled(writes);
    expect(second?.status).toBe("rejected");
    await expect(file.write(Buffer.from("x"))).rejects.toThrow("discarded");
    await expect(file.finish()).rejects.toThrow("discarded");
  });

  it("zstd compresses lines, more at a higher level, and its files have a checksum", async () => {
    const lines = Buffer.from(
      Array.from(
        { length: 1_500 },
        (_, i) => `{"Item":{"pk":{"S":"city ${i}"},"n":{"N":"${(i * 7919) % 10_007}"}}}\n`,
      ).join(""),
    );
    const sizeAt = async (level: number) => {
      const file = zlibCodec.compress("zstd", level);
      await file.write(lines);
      const body = await file.finish();
      // The descriptor's third bit: a checksum follows the content.
      expect(body[4]! & 4).toBe(4);
      return body.length;
    };
    const [fast, small] = [await sizeAt(1), await sizeAt(19)];
    expect(fast).toBeLessThan(lines.length / 4);
    expect(small).toBeLessThan(fast * 0.9);
  });

  it("its digest is MD5 in base64, of a whole or of parts", () => {
    expect(zlibCodec.md5(Buffer.from("hello"))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
    const md5 = zlibCodec.openMd5();
    for (const part of ["he", "", "llo"]) expect(md5.update(Buffer.from(part))).toBeUndefined();
    expect(md5.digest()).toBe("XUFAKrxLKna5cZ2REBfFkg==");
  });

  it.each(["gzip", "zstd"] as const)("a %s file is in memory once", async (compression) => {
    const file = zlibCodec.compress(compression, 1);
    const content = randomBytes(8_000_000);
    const before = process.memoryUsage().external;
    await file.write(content);
    const body = await file.finish();
    expect(process.memoryUsage().external - before).toBeLessThan(1.5 * content.length);
    expect(body.length).toBeGreaterThan(0.99 * content.length);
  });

  it("a discarded file has no memory", async () => {
    const file = zlibCodec.compress("gzip", 1);
    await file.write(randomBytes(8_000_000));
    const before = process.memoryUsage().external;
    file.discard();
    expect(before - process.memoryUsage().external).toBeGreaterThan(6_000_000);
  });

  it("a higher level gives a smaller file", async () => {
    const lines = Buffer.from(
      Array.from({ length: 20_000 }, (_, i) => `{"Item":{"id":{"N":"${i * i}"},"x":{"S":"abc"}}}\n`).join(""),
    );
    const [low, high] = await Promise.all([1, 9].map((level) => compressed(zlibCodec, [lines], level)));
    expect(low!.length).toBeGreaterThan(high!.length);
  });

  it("a file is decompressed in chunks of 256 KiB", async () => {
    const file = gzipSync(Buffer.alloc(1024 * 1024 + 1, "x"));
    const sizes: number[] = [];
    for await (const chunk of zlibCodec.decompress(chunksOf(file))) sizes.push(chunk.length);
    expect(sizes).toEqual([...Array.from({ length: 4 }, () => 256 * 1024), 1]);
  });

  it.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("the memory of the chunks of a %s file is freed when later ones are requested", async (_, compress) => {
    // It barely compresses, so the parts of the compressed file are large too.
    const content = randomBytes(1_000_000);
    const file = compress(content);
    /** Overwritten once the next one is requested. */
    async function* pieces() {
      for (let at = 0; at < file.length; at += 50_000) {
        const piece = new Uint8Array(file.subarray(at, at + 50_000));
        yield piece;
        piece.fill(0);
      }
    }
    const chunks: Uint8Array[] = [];
    const copies: Buffer[] = [];
    for await (const chunk of zlibCodec.decompress(pieces())) {
      // zlib may still write into the buffer of the latest chunk.
      for (const { buffer } of chunks) expect(buffer === chunk.buffer || buffer.byteLength === 0).toBe(true);
      chunks.push(chunk);
      copies.push(Buffer.from(chunk));
    }
    expect(chunks.length).toBeGreaterThan(3);
    expect(Buffer.compare(Buffer.concat(copies), content)).toBe(0);
  });

  it("an error of the file's source is thrown unchanged", async () => {
    const broken = new Error("the connection was lost");
    async function* source() {
      yield gzipSync("one").subarray(0, 12);
      throw broken;
    }
    await expect(gathered(zlibCodec.decompress(source()))).rejects.toBe(broken);
  });

  it("an error of the source whose code only resembles one of zlib is thrown unchanged", async () => {
    const broken = Object.assign(new Error("odd"), { code: "E_Z_BUF" });
    // biome-ignore lint/correctness/useYield: it fails before its first chunk.
    async function* source(): AsyncGenerator<Uint8Array> {
      throw broken;
    }
    await expect(gathered(zlibCodec.decompress(source()))).rejects.toBe(broken);
  });

  it.each([
    ["damaged in its header", Buffer.from("1f8bffff", "hex"), "unknown compression method", true],
    ["cut off", gzipSync("more").subarray(0, 12), "unexpected end of file", true],
    [
      "followed by zeros",
      Buffer.concat([gzipSync("one"), Buffer.alloc(3)]),
      "it has bytes after its end",
      false,
    ],
  ])("the error of a file that is %s has the reason", async (_, file, reason, hasCause) => {
    const error = await decompressed(zlibCodec, file).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "corrupt-file",
      operation: "decompress",
      resource: "a data file",
      message: expect.stringContaining(`is not a complete gzip file: ${reason}.`),
    });
    expect((error as Error).cause instanceof Error).toBe(hasCause);
    if (!hasCause) expect(error).not.toHaveProperty("cause");
  });

  it("a reader that stops early closes the source", async () => {
    const file = gzipSync(randomBytes(2 * 1024 * 1024));
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    async function* source() {
      try {
        for (let at = 0; at < file.length; at += 65_536) yield file.subarray(at, at + 65_536);
      } finally {
        close();
      }
    }
    for await (const chunk of zlibCodec.decompress(source())) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await closed;
  });

  it("after discard, no chunks of the file are kept, and the error of zlib is not an uncaught exception", async () => {
    const file = zlibCodec.compress("gzip", 1);
    await file.write(randomBytes(1_000_000));
    file.discard();
    // An error event without a listener would end the process in the next turn.
    await new Promise((resolve) => setImmediate(resolve));
    await expect(file.finish()).rejects.toThrow("the file was discarded");
  });
});
