/**
 * What every host of the port Codec holds to: any codec's files are read by every other.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Codec } from "@ferry/core/ports";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectPermanent } from "./refused.ts";

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
          expect(Buffer.compare(await codec.decompress(file), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it.each(Object.entries(others))("reads the files of %s, and is read by it", async (_, other) => {
      await fc.assert(
        fc.asyncProperty(chunks, fc.integer({ min: 1, max: 9 }), async (parts, level) => {
          const [mine, its] = [await compressed(codec, parts, level), await compressed(other, parts, level)];
          expect(Buffer.compare(await codec.decompress(its), Buffer.concat(parts))).toBe(0);
          expect(Buffer.compare(await other.decompress(mine), Buffer.concat(parts))).toBe(0);
        }),
        { numRuns: 50 },
      );
    });

    it("keeps 20 MB of lines, and makes them smaller", async () => {
      const chunk = Buffer.from(lines(20_000));
      const parts = Array.from({ length: 20 }, () => chunk);
      const file = await compressed(codec, parts, 1);
      expect(file.length).toBeLessThan(chunk.length * 10);
      expect(Buffer.compare(await codec.decompress(file), Buffer.concat(parts))).toBe(0);
    });

    it("an empty file is a gzip file", async () => {
      const file = await compressed(codec, [], 6);
      expect([...file.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
      expect(gunzipSync(file)).toHaveLength(0);
      expect(await codec.decompress(file)).toHaveLength(0);
    });

    it("writes what any gunzip reads", async () => {
      const text = lines(100);
      expect(gunzipSync(await compressed(codec, [Buffer.from(text)], 6)).toString()).toBe(text);
    });

    it("reads a file of several gzip members whole", async () => {
      const file = Buffer.concat([gzipSync("one\n"), gzipSync("two\n"), gzipSync("")]);
      expect(new TextDecoder().decode(await codec.decompress(file))).toBe("one\ntwo\n");
    });

    it("several files may be open at once", async () => {
      const open = Array.from({ length: 5 }, () => codec.compress(6));
      for (let round = 0; round < 10; round++)
        await Promise.all(
          open.map((file, i) => file.write(Buffer.from(`file ${i} round ${round}\n`.repeat(1000)))),
        );
      const files = await Promise.all(open.map((file) => file.finish()));
      for (const [i, file] of files.entries()) {
        const text = new TextDecoder().decode(await codec.decompress(file));
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
      expect(new TextDecoder().decode(await codec.decompress(file))).toBe("next");
    });

    it("a file cut short anywhere is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (let length = 0; length < file.length; length++)
        await expectPermanent(codec.decompress(file.subarray(0, length)), { code: "corrupt-file" });
    });

    it("a file with anything behind its end is refused", async () => {
      const file = await compressed(codec, [Buffer.from(lines(20))], 6);
      for (const behind of ["x", '{"Item":{}}\n'.repeat(10)])
        await expectPermanent(codec.decompress(Buffer.concat([file, Buffer.from(behind)])), {
          code: "corrupt-file",
        });
    });

    it("a file with a changed byte is refused, or it is one that changes nothing", async () => {
      const text = lines(20);
      const file = await compressed(codec, [Buffer.from(text)], 6);
      for (let at = 0; at < file.length; at++) {
        const changed = Uint8Array.from(file);
        changed[at]! ^= 0x5a;
        // The header's time, flags for speed and system may be anything.
        const read = codec.decompress(changed);
        const kept = await read.then((bytes) => new TextDecoder().decode(bytes) === text).catch(() => false);
        if (!kept) await expectPermanent(read, { code: "corrupt-file" });
        else expect(at, "a changed byte behind the header went unseen").toBeLessThan(10);
      }
    });

    it("what is no gzip at all is refused", async () => {
      for (const bytes of [Buffer.from('{"Item":{}}\n'), Buffer.alloc(100), Buffer.from([0x1f, 0x8b])])
        await expectPermanent(codec.decompress(bytes), { code: "corrupt-file" });
    });

    it("the digest is MD5 in base64", () => {
      expect(codec.md5(new Uint8Array(0))).toBe("1B2M2Y8AsgTpgAmY7PhCfg==");
      fc.assert(
        fc.property(fc.uint8Array(), (bytes) => {
          expect(codec.md5(bytes)).toBe(createHash("md5").update(bytes).digest("base64"));
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

function lines(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `{"Item":{"pk":{"S":"item ${i}"},"n":{"N":"${i * 7919}"}}}\n`,
  ).join("");
}
