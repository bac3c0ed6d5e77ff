import { memoryArchiveStore } from "@ferry/memory/archive-store";
import { intercept } from "@ferry/memory/intercept";
import { openMd5 } from "@ferry/memory/ports";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Codec, OpenObject } from "../ports.ts";
import { anyString } from "../testing/any-string.ts";
import { encodeFiles, type ManifestFile } from "./file-list.ts";
import { readFileList, readListPart } from "./file-list-reader.ts";

const bucket = { region: "eu-central-1", name: "archives" };
const KEY = "p/manifest-files.json";
const missing = () => new Error("missing");
const codec = { openMd5 } as Codec;

const file = (n: number, name = `data/${n}`): ManifestFile => ({
  itemCount: n,
  md5Checksum: "x".repeat(24),
  etag: "e",
  dataFileS3Key: name,
});

function given(bytes: Uint8Array) {
  const archive = memoryArchiveStore();
  archive.createBucket(bucket);
  archive.store(bucket, KEY, bytes);
  return archive;
}

describe("a list of files", () => {
  test("is read in pieces, with the totals", async () => {
    const files = Array.from({ length: 20_000 }, (_, n) => file(n));
    const archive = given(encodeFiles(files));
    const pieces: (readonly ManifestFile[])[] = [];
    const read = await readFileList(
      bucket,
      KEY,
      { missing, onFiles: (some) => pieces.push(some) },
      { archive, codec },
    );
    expect(pieces.flat()).toEqual(files);
    expect(pieces.length).toBeGreaterThan(1);
    const { head } = (await archive.get(bucket, KEY))!;
    expect(read).toMatchObject({ head, files: 20_000, items: (20_000 * 19_999) / 2 });
    expect(read.fingerprint).toMatchObject({ etag: head.etag });
  });

  test("that lists a file twice is refused, however far apart", async () => {
    const files = Array.from({ length: 15_000 }, (_, n) => file(n));
    files.push(file(1, "data/7"));
    const read = readFileList(
      bucket,
      KEY,
      { missing, onFiles() {} },
      { archive: given(encodeFiles(files)), codec },
    );
    await expect(read).rejects.toMatchObject({
      code: "broken-manifest",
      message: expect.stringContaining("cannot be read: the data file data/7 is listed twice"),
    });
  });

  test("with a line that is not valid is refused", async () => {
    const archive = given(new TextEncoder().encode("{}\n"));
    const read = readFileList(bucket, KEY, { missing, onFiles() {} }, { archive, codec });
    await expect(read).rejects.toMatchObject({ code: "broken-manifest" });
  });
});

describe("the parts of a list", () => {
  const names = fc.array(anyString(0, { minLength: 1, maxLength: 30 }), { maxLength: 40 });

  test("have each file exactly once, in order, whatever the lines' lengths and the number of parts", async () => {
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 60 }), fc.boolean(), async (keys, parts, isCut) => {
        const files = keys.map((key, n) => file(n, key));
        const whole = encodeFiles(files);
        // The last line may lack its line feed.
        const bytes = isCut ? whole.subarray(0, -1) : whole;
        const archive = given(bytes);
        const [listed] = await archive.list(bucket, KEY);
        const list = { etag: listed!.etag, bytes: bytes.length };
        const read: ManifestFile[] = [];
        for (let index = 0; index < parts; index++)
          read.push(...(await readListPart(bucket, KEY, list, { index, parts }, missing, { archive })));
        expect(read).toEqual(files);
      }),
    );
  });

  test("with lines of one length have the same number of files, and each reads little more than its own bytes", async () => {
    const files = Array.from({ length: 640 }, (_, n) => file(1000 + n, `data/${1000 + n}`));
    const bytes = encodeFiles(files);
    const archive = given(bytes);
    let readBytes = 0;
    const counting = intercept("archive", archive, ["open"], async (_, run) => {
      const opened = (await run()) as OpenObject;
      async function* chunks() {
        for await (const chunk of opened.chunks)
          for (let at = 0; at < chunk.length; at += 100) {
            readBytes += chunk.subarray(at, at + 100).length;
            yield chunk.subarray(at, at + 100);
          }
      }
      return { ...opened, chunks: chunks() };
    });
    const list = { etag: (await archive.list(bucket, KEY))[0]!.etag, bytes: bytes.length };
    for (let index = 0; index < 64; index++) {
      const part = await readListPart(bucket, KEY, list, { index, parts: 64 }, missing, {
        archive: counting,
      });
      expect(part).toHaveLength(10);
    }
    expect(readBytes).toBeLessThan(bytes.length + 64 * 300);
  });

  test("of a list that was replaced cannot be read", async () => {
    const archive = given(encodeFiles([file(1)]));
    const list = { etag: '"other"', bytes: 100 };
    await expect(
      readListPart(bucket, KEY, list, { index: 0, parts: 1 }, missing, { archive }),
    ).rejects.toMatchObject({ code: "object-changed" });
  });
});
