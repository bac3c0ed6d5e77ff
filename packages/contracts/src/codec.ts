/**
 * The contract suite of the port Codec: every codec reads the files of every other.
 */
import { createHash, randomBytes } from "node:crypto";
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { gathered } from "@ferry/core/archive/chunks";
import { type Compression, compressionNames, compressions } from "@ferry/core/archive/compression";
import type { Codec } from "@ferry/core/ports";
import { expectPermanent } from "@ferry/core/testing/refused";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const MIB = 1024 * 1024;

/** What a compressor may hold back. */
const HELD_BACK_BYTES_MAX = 256 * 1024;
const PART_BYTES = 400_000;

/**
 * Node's own files, independent of the codecs. `magic`: a file's first bytes. `unusedBytes`: how many of its first bytes may
 * change while the content stays the same. `runs`: of property tests; a compressor of zstd's highest levels takes 0.1 s to open.
 */
const node = {
  gzip: {
    compress: (text: string | Uint8Array) => gzipSync(text),
    decompress: (file: Uint8Array) => gunzipSync(file),
    magic: [0x1f, 0x8b],
    /** The header's time, compression flags and operating system may have any value. */
    unusedBytes: 10,
    runs: 50,
  },
  zstd: {
    compress: (text: string | Uint8Array) =>
      zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    decompress: (file: Uint8Array) => zstdDecompressSync(file),
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    /** Several encodings have the same content, which the checksum covers. */
    unusedBytes: Number.POSITIVE_INFINITY,
    runs: 10,
  },
} as const;

/** Declares the tests of one codec. It and `others` must read each other's files. */
export function codecContract(
  name: string,
  makeCodec: () => Codec,
  others: Readonly<Record<string, Codec>> = {},
): void {
  describe(`Codec over ${name}`, () => {
    const codec = makeCodec();
    const chunks = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 });

    describe.each(compressionNames)("%s", (compression) => {
      const { levelMax } = compressions[compression];
      const { compress, decompress, magic, unusedBytes, runs } = node[compression];
      const levels = fc.integer({ min: 1, max: levelMax });

      const othersToo =
        Object.keys(others).length === 0
          ? ""
          : `, as does ${Object.keys(others).join(" and ")}, whose files it reads`;
      it(`reads a file that was written in any chunks${othersToo}`, async () => {
        const all = [codec, ...Object.values(others)];
        await fc.assert(
          fc.asyncProperty(chunks, levels, async (parts, level) => {
            const lines = Buffer.concat(parts);
            for (const writer of all) {
              const file = await compressed(writer, parts, compression, level);
              // Other codecs read their own files in their own suites.
              const readers = writer === codec ? all : [codec];
              for (const reader of readers)
                expect(Buffer.compare(await decompressed(reader, file), lines)).toBe(0);
            }
          }),
          { numRuns: runs },
        );
      });

      it("compresses 5 MB of lines and restores them", async () => {
        const chunk = Buffer.from(lines(20_000));
        const parts = Array.from({ length: 5 }, () => chunk);
        const file = await compressed(codec, parts, compression, 1);
        // A codec may store zstd's blocks uncompressed.
        expect(file.length).toBeLessThan(chunk.length * (compression === "gzip" ? 2.5 : 5.25));
        expect(Buffer.compare(await decompressed(codec, file), Buffer.concat(parts))).toBe(0);
      });

      it("says how large a file is so far, less than 256 KiB below what finish returns, the same each time", async () => {
        const parts = Array.from({ length: 2 }, () => randomBytes(PART_BYTES));
        const sizes = async (level: number) => {
          const file = codec.compress(compression, level);
          const known: number[] = [];
          for (const part of parts) {
            await file.write(part);
            known.push(file.compressedBytes());
          }
          return { known, whole: (await file.finish()).length };
        };
        for (const level of [1, levelMax]) {
          const { known, whole } = await sizes(level);
          expect(known.toSorted((a, b) => a - b)).toEqual(known);
          // Random bytes do not become fewer.
          for (const [i, size] of known.entries()) {
            expect(size).toBeGreaterThan((i + 1) * PART_BYTES - HELD_BACK_BYTES_MAX);
            expect(size).toBeLessThanOrEqual(whole);
          }
          expect(await sizes(level)).toEqual({ known, whole });
        }
      });

      it("an empty file has the format's first bytes", async () => {
        const file = await compressed(codec, [], compression, 3);
        expect([...file.subarray(0, magic.length)]).toEqual(magic);
        expect(decompress(file)).toHaveLength(0);
        expect(await decompressed(codec, file)).toHaveLength(0);
      });

      it("writes files that Node reads", async () => {
        const text = lines(100);
        expect(decompress(await compressed(codec, [Buffer.from(text)], compression, 3)).toString()).toBe(
          text,
        );
      });

      it("reads all parts of a file that several files were joined to", async () => {
        const file = Buffer.concat([compress("one\n"), compress("two\n"), compress("")]);
        expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("one\ntwo\n");
      });

      it("reads the same bytes whatever the file's chunk size", async () => {
        const member = fc.string({ maxLength: 200 });
        await fc.assert(
          fc.asyncProperty(
            fc.array(member, { minLength: 1, maxLength: 4 }),
            fc.nat(60),
            async (texts, bytes) => {
              const file = Buffer.concat(texts.map((text) => compress(text)));
              const read = await decompressed(codec, file, bytes + 1);
              expect(Buffer.from(read).toString()).toBe(Buffer.from(texts.join("")).toString());
            },
          ),
          { numRuns: 30 },
        );
      });

      it("decompresses 16 MiB of spaces in chunks of at most 1 MiB", async () => {
        let bytes = 0;
        let bytesMax = 0;
        for await (const chunk of codec.decompress(
          pieces(compress(Buffer.alloc(16 * MIB, " ")), 64 * 1024),
        )) {
          bytes += chunk.length;
          bytesMax = Math.max(bytesMax, chunk.length);
        }
        expect(bytes).toBe(16 * MIB);
        expect(bytesMax).toBeLessThanOrEqual(MIB);
      });

      it("reads a file only as fast as the caller takes bytes, and closes it when the caller stops", async () => {
        const file = compress(randomBytes(8 * MIB));
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
          if (received > 2 * MIB) break;
        }
        await expect.poll(() => closed).toBe(true);
        expect(taken).toBeLessThan(5 * MIB);
      });

      it("an error while the file is read is rethrown unchanged", async () => {
        const error = new Error("connection reset");
        async function* chunks() {
          yield compress(lines(20)).subarray(0, 40);
          throw error;
        }
        await expect(gathered(codec.decompress(chunks()))).rejects.toBe(error);
      });

      it("several files may be open at once", async () => {
        const open = Array.from({ length: 5 }, () => codec.compress(compression, 3));
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
        const discarded = codec.compress(compression, 3);
        await discarded.write(Buffer.from(lines(5000)));
        discarded.discard();
        const file = await compressed(codec, [Buffer.from("next")], compression, 3);
        expect(new TextDecoder().decode(await decompressed(codec, file))).toBe("next");
      });

      it("a file truncated at any byte is refused", async () => {
        const file = await compressed(codec, [Buffer.from(lines(8))], compression, 3);
        // A file without bytes is one without lines.
        for (let length = 1; length < file.length; length++)
          await expectPermanent(decompressed(codec, file.subarray(0, length)), { code: "corrupt-file" });
      });

      it("a file with bytes after its end is refused", async () => {
        const file = await compressed(codec, [Buffer.from(lines(20))], compression, 3);
        for (const trailing of ["x", '{"Item":{}}\n'.repeat(10)])
          await expectPermanent(decompressed(codec, Buffer.concat([file, Buffer.from(trailing)])), {
            code: "corrupt-file",
          });
      });

      it("a file with a chunk after its end is refused", async () => {
        for (const trailing of [Buffer.from([0]), Buffer.alloc(600), Buffer.from([0x1f]), Buffer.from("x")]) {
          async function* chunks() {
            yield compress(lines(20));
            yield trailing;
          }
          await expectPermanent(gathered(codec.decompress(chunks())), { code: "corrupt-file" });
        }
      });

      it("a file with a changed byte is refused, unless its content is the same", async () => {
        const text = lines(8);
        const file = await compressed(codec, [Buffer.from(text)], compression, 3);
        for (let at = 0; at < file.length; at++) {
          const changed = Uint8Array.from(file);
          changed[at]! ^= 0x5a;
          const read = decompressed(codec, changed);
          const kept = await read
            .then((bytes) => new TextDecoder().decode(bytes) === text)
            .catch(() => false);
          if (!kept) await expectPermanent(read, { code: "corrupt-file" });
          else expect(at, "a changed byte was not detected").toBeLessThan(unusedBytes);
        }
      });
    });

    it("refuses a zstd file that needs a window of more than 128 MiB", async () => {
      /** A frame of one block that is not compressed. */
      const withWindow = (descriptor: number) =>
        Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, descriptor, (2 << 3) | 1, 0, 0, 0x61, 0x0a]);
      const descriptorOf128MiB = (27 - 10) << 3;
      expect(Buffer.from(await decompressed(codec, withWindow(descriptorOf128MiB))).toString()).toBe("a\n");
      for (const more of [descriptorOf128MiB + 1, 31 << 3])
        await expectCorrupt(decompressed(codec, withWindow(more)), /needs a window of \d+ bytes/);
    });

    it("refuses a zstd file that needs a dictionary", async () => {
      const file = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x38, 7, 1, 0, 0]);
      await expectCorrupt(decompressed(codec, file), /dictionary/);
    });

    it("skips the frames of a zstd file that hold no content", async () => {
      const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
      const file = Buffer.concat([
        skippable,
        node.zstd.compress("one\n"),
        skippable,
        node.zstd.compress("two\n"),
        skippable,
      ]);
      for (const bytes of [1, 5, 1000])
        expect(Buffer.from(await decompressed(codec, file, bytes)).toString()).toBe("one\ntwo\n");
      await expectPermanent(decompressed(codec, file.subarray(0, -1)), { code: "corrupt-file" });
    });

    it("returns lines that are not compressed as they are, in chunks of at most 1 MiB", async () => {
      for (const text of ["", "\n", " ", '{"Item":{}}\n', ` \t\r\n${lines(100)}`])
        for (const bytes of [1, 2, 1000])
          expect(Buffer.from(await decompressed(codec, Buffer.from(text), bytes)).toString()).toBe(text);
      const large = Buffer.alloc(5 * MIB, "{");
      const sizes: number[] = [];
      for await (const chunk of codec.decompress(pieces(large, large.length))) sizes.push(chunk.length);
      expect(sizes.every((size) => size <= MIB)).toBe(true);
      expect(sizes.reduce((a, b) => a + b)).toBe(large.length);
    });

    it("refuses bytes that are neither gzip nor zstd nor text of JSON objects, and names the first ones", async () => {
      const others: [Uint8Array, string][] = [
        [Buffer.from("Item"), "49 74 65 6d"],
        [Buffer.alloc(100), "00 00 00 00"],
        [Buffer.from([0x1f]), "1f"],
        [Buffer.from([0x28, 0xb5, 0x2f]), "28 b5 2f"],
        // ZIP, bzip2, xz, and the magic number of an old zstd.
        [Buffer.from("PK\u0003\u0004"), "50 4b 03 04"],
        [Buffer.from("BZh9"), "42 5a 68 39"],
        [Buffer.from([0xfd, 0x37, 0x7a, 0x58]), "fd 37 7a 58"],
        [Buffer.from([0x27, 0xb5, 0x2f, 0xfd]), "27 b5 2f fd"],
      ];
      for (const [bytes, named] of others)
        for (const chunkBytes of [1, 1000])
          await expectCorrupt(decompressed(codec, bytes, chunkBytes), named);
    });

    it("refuses a file that is joined of both formats", async () => {
      const [gzip, zstd] = [node.gzip.compress("one\n"), node.zstd.compress("two\n")];
      for (const joined of [
        [gzip, zstd],
        [zstd, gzip],
      ])
        for (const bytes of [1, 1000])
          await expectPermanent(decompressed(codec, Buffer.concat(joined), bytes), { code: "corrupt-file" });
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

    it("allocates zeros in a buffer of their own", () => {
      for (const size of [0, 10, 100_000]) {
        const memory = codec.allocate(size);
        expect(memory.buffer.byteLength).toBe(size);
        expect(memory.every((byte) => byte === 0)).toBe(true);
      }
    });
  });
}

async function compressed(
  codec: Codec,
  parts: readonly Uint8Array[],
  compression: Compression,
  level: number,
): Promise<Uint8Array> {
  const file = codec.compress(compression, level);
  for (const part of parts) {
    // A copy: `slice` of a Buffer would share its memory.
    const bytes = new Uint8Array(part);
    await file.write(bytes);
    // The writer of a backup uses its buffers again.
    bytes.fill(0xff);
  }
  return file.finish();
}

/** The decompressed file, read in chunks of `chunkBytes`. */
function decompressed(codec: Codec, file: Uint8Array, chunkBytes = 1000): Promise<Uint8Array> {
  return gathered(codec.decompress(pieces(file, chunkBytes)));
}

/** Expects `corrupt-file` with a text in its message. */
async function expectCorrupt(read: Promise<unknown>, text: RegExp | string): Promise<void> {
  await expect(read.then(() => "it was read")).rejects.toThrow(text);
  await expectPermanent(read, { code: "corrupt-file" });
}

/** The bytes of a file in pieces, each of which is overwritten once the next one is requested. */
async function* pieces(file: Uint8Array, bytes: number) {
  for (let at = 0; at < file.length; at += bytes) {
    const piece = new Uint8Array(file.subarray(at, at + bytes));
    yield piece;
    piece.fill(0xff);
  }
}

function lines(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `{"Item":{"pk":{"S":"item ${i}"},"n":{"N":"${i * 7919}"}}}\n`,
  ).join("");
}
