import { gzipSync } from "node:zlib";
import { chunksOf, gathered } from "@ferry/core/archive/chunks";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import type { Codec } from "@ferry/core/ports";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { zlibCodec } from "./codec.ts";

const pako = pakoCodec(zlibCodec.openMd5);

async function compressed(codec: Codec, parts: readonly Uint8Array[], level: number): Promise<Uint8Array> {
  const file = codec.compress(level);
  for (const part of parts) await file.write(part);
  return file.finish();
}

function decompressed(codec: Codec, file: Uint8Array): Promise<Uint8Array> {
  return gathered(codec.decompress(chunksOf(file)));
}

describe("zlib's codec", () => {
  it.each([
    ["itself", zlibCodec, zlibCodec],
    ["pako", zlibCodec, pako],
    ["zlib, written by pako", pako, zlibCodec],
  ])("its files are read by %s", async (_, writer, reader) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        async (parts, level) => {
          const file = await compressed(writer, parts, level);
          expect(Buffer.compare(await decompressed(reader, file), Buffer.concat(parts))).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("given many concurrent large writes, all bytes are written in order", async () => {
    const parts = Array.from({ length: 20 }, (_, i) => Buffer.alloc(1_000_000, `${i} `));
    const file = zlibCodec.compress(1);
    const writes = parts.map((part) => file.write(part));
    const body = await file.finish();
    await Promise.all(writes);
    expect(Buffer.compare(await decompressed(zlibCodec, body), Buffer.concat(parts))).toBe(0);
  });

  it("given a file that is changed or truncated at any byte, decompress fails with corrupt-file", async () => {
    const file = gzipSync(Buffer.from('{"Item":{"id":{"S":"a"}}}\n'.repeat(50)));
    for (let length = 0; length < file.length; length++)
      await expect(decompressed(zlibCodec, file.subarray(0, length))).rejects.toMatchObject({
        code: "corrupt-file",
      });
    for (let at = 10; at < file.length; at++) {
      const changed = Buffer.from(file);
      changed[at]! ^= 0x55;
      await expect(decompressed(zlibCodec, changed)).rejects.toMatchObject({
        kind: "permanent",
        code: "corrupt-file",
      });
    }
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
    const file = zlibCodec.compress(9);
    const writes = [file.write(Buffer.alloc(4_000_000, "x")), file.write(Buffer.alloc(4_000_000, "y"))];
    file.discard();
    // The write that is already on a thread may succeed; what matters is that both settle.
    const [, second] = await Promise.allSettled(writes);
    expect(second?.status).toBe("rejected");
    await expect(file.write(Buffer.from("x"))).rejects.toThrow("discarded");
    await expect(file.finish()).rejects.toThrow("discarded");
  });

  it("its digest is MD5 in base64", () => {
    expect(zlibCodec.md5(Buffer.from("hello"))).toBe("XUFAKrxLKna5cZ2REBfFkg==");
  });
});
