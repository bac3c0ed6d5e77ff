/**
 * What every host of the port Codec holds to: any codec's files are read by every other.
 */
import { createHash, randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { gathered } from "@ferry/core/archive/chunks";
import type { Codec } from "@ferry/core/ports";
import { expectPermanent } from "@ferry/core/testing/refused";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const MIB = 1024 * 1024;

/** Declares the tests of one codec. `others` are those that must read its files, and whose files it must read. */
export function codecContract(
  name: string,
  makeCodec: () => Codec,
  others: Readonly<Record<string, Codec>> = {},
): void {
  describe(`Codec over ${name}`, () => {
    const codec = makeCodec();
    const chunks = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });

    it("reads what it wrote, in whatever chunks it came", async () => {
      await fc.assert(
        fc.asyncProperty(chunks, fc.integer({ min: 1, max: 9 }), async (parts, level) => {
          const file = await compressed(codec, parts, level);
          expect(Buffer.compare(await decompressed(codec, file), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it.each(Object.entries(others))("reads the files of %s, and is read by it", async (_, other) => {
      await fc.assert(
        fc.asyncProperty(chunks, fc.integer({ min: 1, max: 9 }), async (parts, level) => {
          const [mine, its] = [await compressed(codec, parts, level), await compressed(other, parts, level)];
          expect(Buffer.compare(await decompressed(codec, its), Buffer.concat(parts))).toBe(0);
          expect(Buffer.compare(await decompressed(other, mine), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it("keeps 20 MB of lines, and makes them smaller", async () => {
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

    it("writes what any gunzip reads", async () => {
      const text = lines(100);
      expect(gunzipSync(await compressed(codec, [Buffer.from(text)], 6)).toString()).toBe(text);
    });

    it("reads a file of several gzip members whole", async () => {
      const file = Buffer.concat([gzipSync("one\n"), gzipSync("two\n"), gzipSync("")]);
      expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("one\ntwo\n");
    });

    it("reads a file the same however it is cut into chunks", async () => {
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

    it("a file of 64 MiB of spaces comes in chunks of at most 1 MiB", async () => {
      let bytes = 0;
      let bytesMax = 0;
      for await (const chunk of codec.decompress(pieces(gzipSync(Buffer.alloc(64 * MIB, " ")), 64 * 1024))) {
        bytes += chunk.length;
        bytesMax = Math.max(bytesMax, chunk.length);
      }
      expect(bytes).toBe(64 * MIB);
      expect(bytesMax).toBeLessThanOrEqual(MIB);
    });

    it("a file is read no faster than its bytes are asked for, and left when nobody asks any more", async () => {
      const file = gzipSync(randomBytes(20 * MIB), { level: 0 });
      let taken = 0;
      let left = false;
      async function* watched() {
        try {
          for await (const piece of pieces(file, 64 * 1024)) {
            taken += piece.length;
            yield piece;
          }
        } finally {
          left = true;
        }
      }
      let asked = 0;
      for await (const chunk of codec.decompress(watched())) {
        // Whatever could be read ahead is read in this time.
        await new Promise((resolve) => setImmediate(resolve));
        asked += chunk.length;
        expect(taken).toBeLessThan(asked + 2 * MIB);
        if (asked > 5 * MIB) break;
      }
      await expect.poll(() => left).toBe(true);
      expect(taken).toBeLessThan(8 * MIB);
    });

    it("an error on the way to the file comes as it is", async () => {
      const broken = new Error("connection reset");
      async function* chunks() {
        yield gzipSync(lines(20)).subarray(0, 40);
        throw broken;
      }
      await expect(gathered(codec.decompress(chunks()))).rejects.toBe(broken);
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

    it("a file that is given up is gone, and disturbs no other", async () => {
      const given = codec.compress(6);
      await given.write(Buffer.from(lines(5000)));
      given.discard();
      const file = await compressed(codec, [Buffer.from("next")], 6);
      expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("next");
    });

    it("a file cut short anywhere is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (let length = 0; length < file.length; length++)
        await expectPermanent(decompressed(codec, file.subarray(0, length)), { code: "corrupt-file" });
    });

    it("a file with anything behind its end is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (const behind of ["x", '{"Item":{}}\n'.repeat(10)])
        await expectPermanent(decompressed(codec, Buffer.concat([file, Buffer.from(behind)])), {
          code: "corrupt-file",
        });
    });

    it("a file with a chunk behind its end is refused", async () => {
      for (const behind of [Buffer.from([0]), Buffer.alloc(600), Buffer.from([0x1f]), Buffer.from("x")]) {
        async function* chunks() {
          yield gzipSync(lines(20));
          yield behind;
        }
        await expectPermanent(gathered(codec.decompress(chunks())), { code: "corrupt-file" });
      }
    });

    it("no bytes at all are refused", async () => {
      await expectPermanent(decompressed(codec, new Uint8Array(0)), { code: "corrupt-file" });
    });

    it("a file with a changed byte is refused, or it is one that changes nothing", async () => {
      const text = lines(20);
      const file = await compressed(codec, [Buffer.from(text)], 6);
      for (let at = 0; at < file.length; at++) {
        const changed = Uint8Array.from(file);
        changed[at]! ^= 0x5a;
        // The header's time, flags for speed and system may be anything.
        const read = decompressed(codec, changed);
        const kept = await read.then((bytes) => new TextDecoder().decode(bytes) === text).catch(() => false);
        if (!kept) await expectPermanent(read, { code: "corrupt-file" });
        else expect(at, "a changed byte behind the header went unseen").toBeLessThan(10);
      }
    });

    it("what is no gzip at all is refused", async () => {
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

/** The whole file, read from chunks of `chunkBytes`. */
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
