/**
 * The contract suite of the port Codec: every codec reads the files of every other.
 */
import { createHash, randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { gathered } from "@ferry/core/archive/chunks";
import type { Codec } from "@ferry/core/ports";
import { expectPermanent } from "@ferry/core/testing/refused";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const MIB = 1024 * 1024;

/** Declares the tests of one codec. It and `others` must read each other's files. */
export function codecContract(
  name: string,
  makeCodec: () => Codec,
  others: Readonly<Record<string, Codec>> = {},
): void {
  describe(`Codec over ${name}`, () => {
    const codec = makeCodec();
    const chunks = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });

    it("reads a file that was written in any chunks", async () => {
      await fc.assert(
        fc.asyncProperty(chunks, fc.integer({ min: 1, max: 9 }), async (parts, level) => {
          const file = await compressed(codec, parts, level);
          expect(Buffer.compare(await decompressed(codec, file), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it.each(Object.entries(others))("reads the files of %s, which reads its files", async (_, other) => {
      await fc.assert(
        fc.asyncProperty(chunks, fc.integer({ min: 1, max: 9 }), async (parts, level) => {
          const file = await compressed(codec, parts, level);
          const otherFile = await compressed(other, parts, level);
          expect(Buffer.compare(await decompressed(codec, otherFile), Buffer.concat(parts))).toBe(0);
          expect(Buffer.compare(await decompressed(other, file), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it("compresses 20 MB of lines and restores them", async () => {
      const chunk = Buffer.from(lines(20_000));
      const parts = Array.from({ length: 20 }, () => chunk);
      const file = await compressed(codec, parts, 1);
      expect(file.length).toBeLessThan(chunk.length * 10);
      expect(Buffer.compare(await decompressed(codec, file), Buffer.concat(parts))).toBe(0);
    });

    it("an empty file is a gzip file", async () => {
      const file = await compressed(codec, [], 6);
      expect([...file.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
      expect(gunzipSync(file)).toHaveLength(0);
      expect(await decompressed(codec, file)).toHaveLength(0);
    });

    it("writes files that Node's gunzip reads", async () => {
      const text = lines(100);
      expect(gunzipSync(await compressed(codec, [Buffer.from(text)], 6)).toString()).toBe(text);
    });

    it("reads all members of a gzip file", async () => {
      const file = Buffer.concat([gzipSync("one\n"), gzipSync("two\n"), gzipSync("")]);
      expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("one\ntwo\n");
    });

    it("reads the same bytes whatever the file's chunk size", async () => {
      const member = fc.string({ maxLength: 200 });
      await fc.assert(
        fc.asyncProperty(
          fc.array(member, { minLength: 1, maxLength: 4 }),
          fc.nat(60),
          async (texts, bytes) => {
            const file = Buffer.concat(texts.map((text) => gzipSync(text)));
            const read = await decompressed(codec, file, bytes + 1);
            expect(Buffer.from(read).toString()).toBe(Buffer.from(texts.join("")).toString());
          },
        ),
      );
    });

    it("decompresses 64 MiB of spaces in chunks of at most 1 MiB", async () => {
      let bytes = 0;
      let bytesMax = 0;
      for await (const chunk of codec.decompress(pieces(gzipSync(Buffer.alloc(64 * MIB, " ")), 64 * 1024))) {
        bytes += chunk.length;
        bytesMax = Math.max(bytesMax, chunk.length);
      }
      expect(bytes).toBe(64 * MIB);
      expect(bytesMax).toBeLessThanOrEqual(MIB);
    });

    it("reads a file only as fast as the caller takes bytes, and closes it when the caller stops", async () => {
      const file = gzipSync(randomBytes(20 * MIB), { level: 0 });
      let taken = 0;
      let closed = false;
      async function* observed() {
        try {
          for await (const piece of pieces(file, 64 * 1024)) {
            taken += piece.length;
            yield piece;
          }
        } finally {
          closed = true;
        }
      }
      let received = 0;
      for await (const chunk of codec.decompress(observed())) {
        // Time for any read-ahead.
        await new Promise((resolve) => setImmediate(resolve));
        received += chunk.length;
        expect(taken).toBeLessThan(received + 2 * MIB);
        if (received > 5 * MIB) break;
      }
      await expect.poll(() => closed).toBe(true);
      expect(taken).toBeLessThan(8 * MIB);
    });

    it("an error while the file is read is rethrown unchanged", async () => {
      const error = new Error("connection reset");
      async function* chunks() {
        yield gzipSync(lines(20)).subarray(0, 40);
        throw error;
      }
      await expect(gathered(codec.decompress(chunks()))).rejects.toBe(error);
    });

    it("several files may be open at once", async () => {
      const open = Array.from({ length: 5 }, () => codec.compress(6));
      for (let round = 0; round < 10; round++)
        await Promise.all(
          open.map((file, i) => file.write(Buffer.from(`file ${i} round ${round}\n`.repeat(1000)))),
        );
      const files = await Promise.all(open.map((file) => file.finish()));
      for (const [i, file] of files.entries()) {
        const text = new TextDecoder().decode(await decompressed(codec, file));
        expect(text).toBe(
          Array.from({ length: 10 }, (_, round) => `file ${i} round ${round}\n`.repeat(1000)).join(""),
        );
      }
    });

    it("a discarded file does not affect later ones", async () => {
      const discarded = codec.compress(6);
      await discarded.write(Buffer.from(lines(5000)));
      discarded.discard();
      const file = await compressed(codec, [Buffer.from("next")], 6);
      expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("next");
    });

    it("a file truncated at any byte is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (let length = 0; length < file.length; length++)
        await expectPermanent(decompressed(codec, file.subarray(0, length)), { code: "corrupt-file" });
    });

    it("a file with bytes after its end is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (const trailing of ["x", '{"Item":{}}\n'.repeat(10)])
        await expectPermanent(decompressed(codec, Buffer.concat([file, Buffer.from(trailing)])), {
          code: "corrupt-file",
        });
    });

    it("a file with a chunk after its end is refused", async () => {
      for (const trailing of [Buffer.from([0]), Buffer.alloc(600), Buffer.from([0x1f]), Buffer.from("x")]) {
        async function* chunks() {
          yield gzipSync(lines(20));
          yield trailing;
        }
        await expectPermanent(gathered(codec.decompress(chunks())), { code: "corrupt-file" });
      }
    });

    it("a file without bytes is refused", async () => {
      await expectPermanent(decompressed(codec, new Uint8Array(0)), { code: "corrupt-file" });
    });

    it("a file with a changed byte is refused, unless the byte is an unused one of the header", async () => {
      const text = lines(20);
      const file = await compressed(codec, [Buffer.from(text)], 6);
      for (let at = 0; at < file.length; at++) {
        const changed = Uint8Array.from(file);
        changed[at]! ^= 0x5a;
        // The header's time, compression flags and operating system may have any value.
        const read = decompressed(codec, changed);
        const kept = await read.then((bytes) => new TextDecoder().decode(bytes) === text).catch(() => false);
        if (!kept) await expectPermanent(read, { code: "corrupt-file" });
        else expect(at, "a changed byte after the header was not detected").toBeLessThan(10);
      }
    });

    it("bytes that are not gzip are refused", async () => {
      for (const bytes of [Buffer.from('{"Item":{}}\n'), Buffer.alloc(100), Buffer.from([0x1f, 0x8b])])
        await expectPermanent(decompressed(codec, bytes), { code: "corrupt-file" });
    });

    it("the digest is MD5 in base64", () => {
      expect(codec.md5(new Uint8Array(0))).toBe("1B2M2Y8AsgTpgAmY7PhCfg==");
      fc.assert(
        fc.property(fc.uint8Array(), (bytes) => {
          const digest = createHash("md5").update(bytes).digest("base64");
          expect(codec.md5(bytes)).toBe(digest);
          const md5 = codec.openMd5();
          for (let at = 0; at < bytes.length; at += 3) md5.update(bytes.subarray(at, at + 3));
          expect(md5.digest()).toBe(digest);
        }),
      );
    });
  });
}

async function compressed(codec: Codec, parts: readonly Uint8Array[], level: number): Promise<Uint8Array> {
  const file = codec.compress(level);
  for (const part of parts) await file.write(part);
  return file.finish();
}

/** The decompressed file, read in chunks of `chunkBytes`. */
function decompressed(codec: Codec, file: Uint8Array, chunkBytes = 1000): Promise<Uint8Array> {
  return gathered(codec.decompress(pieces(file, chunkBytes)));
}

async function* pieces(file: Uint8Array, bytes: number) {
  for (let at = 0; at < file.length; at += bytes) yield file.subarray(at, at + bytes);
}

function lines(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `{"Item":{"pk":{"S":"item ${i}"},"n":{"N":"${i * 7919}"}}}\n`,
  ).join("");
}
