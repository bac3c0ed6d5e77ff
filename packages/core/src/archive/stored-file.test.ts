import { memoryArchiveStore } from "@ferry/memory/archive-store";
import { intercept } from "@ferry/memory/intercept";
import { md5, openMd5 } from "@ferry/memory/ports";
import { describe, expect, test } from "vitest";
import { FerryError } from "../errors/errors.ts";
import type { ArchiveStore, Codec, ObjectMetadata } from "../ports.ts";
import { defaultSettings, type Settings } from "../settings/settings.ts";
import { type Block, LINE_BYTES_MAX } from "./blocks.ts";
import { pakoCodec } from "./pako-codec.ts";
import { readBlocks, readingLine, type VerifiedFile, verifyDataFile } from "./stored-file.ts";

const MIB = 1024 * 1024;
const bucket = { region: "eu-central-1", name: "archives" };
const key = "backups/one/0x0000/0x00000000.json.gz";
const resource = `s3://archives/${key}`;
const codec = pakoCodec(openMd5);
const always = async () => true;

async function gzip(parts: readonly (string | Uint8Array)[]): Promise<Uint8Array> {
  const file = codec.compress("gzip", 1);
  for (const part of parts)
    await file.write(typeof part === "string" ? new TextEncoder().encode(part) : part);
  return file.finish();
}

/** A gzip member of each part, which is compressed once: most tests have the same large content, and some have a part many times. */
const members = new Map<string | Uint8Array, Promise<Uint8Array>>();

async function gzipMembers(parts: readonly (string | Uint8Array)[]): Promise<Uint8Array> {
  for (const part of parts) if (!members.has(part)) members.set(part, gzip([part]));
  return Buffer.concat(await Promise.all(parts.map((part) => members.get(part)!)));
}

/** An archive with one data file, the ports that read it, and a count of the decompressed bytes. */
async function stored(
  parts: readonly (string | Uint8Array)[],
  options: { items: number; metadata?: ObjectMetadata; settings?: Partial<Settings> },
) {
  const body = await gzipMembers(parts);
  const archive = memoryArchiveStore();
  archive.createBucket(bucket);
  archive.store(bucket, key, body, options.metadata);
  const opens: (object | undefined)[] = [];
  const seen = { decompressedBytes: 0 };
  const counting: Codec = {
    ...codec,
    async *decompress(file) {
      for await (const chunk of codec.decompress(file)) {
        seen.decompressedBytes += chunk.length;
        yield chunk;
      }
    },
  };
  const ports = {
    archive: intercept("archive", archive as ArchiveStore, ["open"], (call, run) => {
      opens.push(call.args[2] as object | undefined);
      return run();
    }),
    codec: counting,
    settings: { ...defaultSettings, ...options.settings },
  };
  return { archive, body, file: { key, items: options.items, md5: md5(body) }, ports, opens, seen };
}

const numbered = (from: number, upTo: number, more = "") =>
  Array.from({ length: upTo - from }, (_, i) => `{"Item":{"n":{"N":"${from + i}"}${more}}}\n`).join("");
/** Three blocks or more. */
const LINES = 20_000;
const filler = `,"f":{"S":"${"x".repeat(150)}"}`;
const large = [numbered(0, LINES, filler)];

async function textFrom(file: VerifiedFile | undefined, line: number): Promise<string> {
  let text = "";
  for await (const block of file!.blocksFrom(line)) text += new TextDecoder().decode(block.bytes);
  return text;
}

describe("a data file", () => {
  test("given that it fits in memory, then it is read once, and its blocks from a line on are returned", async () => {
    const { file, ports, opens } = await stored(large, { items: LINES });
    const verified = await verifyDataFile(bucket, file, ports, always);
    const text = await textFrom(verified, LINES - 10);
    expect(text.endsWith(numbered(LINES - 10, LINES, filler))).toBe(true);
    expect(text.length).toBeLessThan(2 * MIB);
    expect(opens).toHaveLength(1);
  });

  test("given that it does not fit in memory, then it is read again with its ETag, and has the same lines", async () => {
    const settings = { maximumFileBytesInMemory: 2 * MIB };
    const { archive, file, ports, opens } = await stored(large, { items: LINES, settings });
    const verified = await verifyDataFile(bucket, file, ports, always);
    expect(opens).toHaveLength(1);
    expect(await textFrom(verified, 0)).toBe(large[0]);
    const { etag } = (await archive.head(bucket, key))!;
    expect(opens).toEqual([{ fromByte: 0 }, { fromByte: 0, ifMatch: etag }]);
  });

  test.each([
    [0, 1],
    [-1, 2],
  ])("given a memory limit of its size plus %i bytes, then it is read %i times", async (more, times) => {
    const settings = { maximumFileBytesInMemory: large[0]!.length + more };
    const { file, ports, opens } = await stored(large, { items: LINES, settings });
    await textFrom(await verifyDataFile(bucket, file, ports, always), 0);
    expect(opens).toHaveLength(times);
  });

  test("given that it is replaced between the two reads, then the second read is an error", async () => {
    const settings = { maximumFileBytesInMemory: 2 * MIB };
    const { archive, file, ports } = await stored(large, { items: LINES, settings });
    const verified = await verifyDataFile(bucket, file, ports, always);
    archive.store(bucket, key, await gzip(["other"]));
    await expect(textFrom(verified, 0)).rejects.toMatchObject({
      kind: "permanent",
      code: "object-changed",
      resource,
    });
  });

  test("given a bucket that ignores ETags, and a replaced object, then the second read ends with an error", async () => {
    const settings = { maximumFileBytesInMemory: 1 };
    const { archive, file, ports } = await stored([numbered(1, 2)], { items: 1, settings });
    const ignoringEtags = intercept("archive", archive as ArchiveStore, ["open"], (call) =>
      archive.open(bucket, key, { ...(call.args[2] as object), ifMatch: undefined! }),
    );
    const verified = await verifyDataFile(bucket, file, { ...ports, archive: ignoringEtags }, always);
    archive.store(bucket, key, await gzip([numbered(2, 3)]));
    await expect(textFrom(verified, 0)).rejects.toMatchObject({ code: "corrupt-file", resource });
  });

  test("given that the caller stops the verification, then no more of it is read", async () => {
    const { file, ports, seen } = await stored(large, { items: LINES });
    expect(await verifyDataFile(bucket, file, ports, async () => false)).toBeUndefined();
    expect(seen.decompressedBytes).toBeLessThan(3 * MIB);
  });

  test("given that its memory is released as far as a line, then later blocks have the memory of the blocks before that line", async () => {
    const { file, ports } = await stored(large, { items: LINES });
    const verified = await verifyDataFile(bucket, file, ports, always);
    const blocks: Block[] = [];
    for await (const block of verified!.blocksFrom(0)) blocks.push(block);
    expect(blocks.length).toBeGreaterThan(2);
    const [first, second] = blocks as [Block, Block];
    verified!.release(first.lines + second.lines - 1);
    const { file: next, ports: others } = await stored(large, { items: LINES });
    const later = new Set<ArrayBufferLike>();
    for await (const block of readBlocks(bucket, next, others)) later.add(block.bytes.buffer);
    expect(later).toContain(first.bytes.buffer);
    expect(later).not.toContain(second.bytes.buffer);
  });

  test("its blocks are in memory that the codec allocates", async () => {
    // Larger than a block, so none of it comes from blocks of other tests.
    const { file, ports } = await stored(["x".repeat(3 * MIB), "\n"], { items: 1 });
    const allocated = new Set<ArrayBufferLike>();
    const allocate = (bytes: number) => {
      const memory = new Uint8Array(bytes);
      allocated.add(memory.buffer);
      return memory;
    };
    for await (const { bytes } of readBlocks(bucket, file, { ...ports, codec: { ...ports.codec, allocate } }))
      expect(allocated).toContain(bytes.buffer);
    expect(allocated.size).toBeGreaterThan(0);
  });

  test("given that it does not fit in memory by its metadata, then its verification uses the memory of two blocks", async () => {
    const metadata = { "request-id": "r", bytes: String(large[0]!.length) };
    const settings = { maximumFileBytesInMemory: large[0]!.length - 1 };
    const { file, ports } = await stored(large, { items: LINES, metadata, settings });
    const buffers = new Set<ArrayBufferLike>();
    const check = async ({ bytes }: Block) => void buffers.add(bytes.buffer);
    const verified = await verifyDataFile(bucket, file, ports, always, check);
    expect(buffers.size).toBeLessThanOrEqual(3);
    expect(await textFrom(verified, 0)).toBe(large[0]);
  });

  const own = { "request-id": "r", items: "1", bytes: "27", end: "true" };
  const bomb = Array(16).fill(new Uint8Array(MIB).fill(0x0a));
  test("given more bytes than its metadata records, then it is refused after the first excess chunk", async () => {
    const { file, ports, seen } = await stored(bomb, { items: 0, metadata: own });
    await expect(verifyDataFile(bucket, file, ports, always)).rejects.toMatchObject({
      kind: "permanent",
      code: "corrupt-file",
      resource,
      message: expect.stringContaining("holds more than the 27 bytes that its metadata records."),
    });
    expect(seen.decompressedBytes).toBeLessThanOrEqual(MIB);
  });

  test("given fewer bytes than its metadata records, then it is refused", async () => {
    const line = numbered(1, 2);
    const metadata = { ...own, bytes: String(line.length + 1) };
    const { file, ports } = await stored([line], { items: 1, metadata });
    await expect(verifyDataFile(bucket, file, ports, always)).rejects.toMatchObject({
      code: "corrupt-file",
      message: expect.stringContaining(
        `holds ${line.length} bytes, but its metadata records ${line.length + 1}.`,
      ),
    });
  });

  test("given no recorded size and more bytes than the setting, then it is refused, and the error names the setting", async () => {
    const settings = { maximumFileBytes: 3 * MIB };
    // Metadata of another program is ignored.
    const { file, ports, seen } = await stored(bomb, { items: 0, metadata: { bytes: "27" }, settings });
    await expect(verifyDataFile(bucket, file, ports, always)).rejects.toMatchObject({
      kind: "permanent",
      code: "file-too-large",
      resource,
      message: expect.stringContaining(
        `${3 * MIB} bytes when it is decompressed, the setting maximumFileBytes`,
      ),
    });
    expect(seen.decompressedBytes).toBeLessThanOrEqual(4 * MIB);
  });

  test("given a line longer than any item, then it is refused, and the error names the file and the line", async () => {
    const spaces = new Uint8Array(MIB).fill(0x20);
    const { file, ports, seen } = await stored(["{}\n{}\n", ...Array(40).fill(spaces)], { items: 3 });
    await expect(verifyDataFile(bucket, file, ports, always)).rejects.toMatchObject({
      kind: "permanent",
      code: "corrupt-file",
      resource,
      message: expect.stringContaining(
        `has more than ${LINE_BYTES_MAX} bytes in line 3, which is longer than any item.`,
      ),
    });
    expect(seen.decompressedBytes).toBeLessThan(LINE_BYTES_MAX + 2 * MIB);
  });

  test("given bytes that are not a gzip file, then the error names the object", async () => {
    const { archive, ports } = await stored([""], { items: 0 });
    const body = new TextEncoder().encode("no gzip");
    archive.store(bucket, key, body);
    await expect(
      verifyDataFile(bucket, { key, items: 0, md5: md5(body) }, ports, always),
    ).rejects.toMatchObject({ code: "corrupt-file", resource, message: expect.stringContaining("gzip") });
  });

  test.each([
    ["another MD5", { md5: md5(new Uint8Array(0)) }, /has MD5 .*, but .* was recorded/],
    ["fewer lines", { items: 2 }, "holds 1 lines, but 2 were recorded"],
  ])("given %s than recorded, then it is refused", async (_, other, message) => {
    const { file, ports } = await stored([numbered(1, 2)], { items: 1 });
    await expect(verifyDataFile(bucket, { ...file, ...other }, ports, always)).rejects.toMatchObject({
      kind: "permanent",
      code: "corrupt-file",
      resource,
      message: expect.stringMatching(message),
    });
  });

  test("given a SyntaxError for a line, then the error names the line; any other error is thrown unchanged", () => {
    const reading = (error: Error) => () =>
      readingLine(bucket, key, 7, () => {
        throw error;
      });
    expect(readingLine(bucket, key, 7, () => "read")).toBe("read");
    expect(reading(new SyntaxError("no Item"))).toThrow(
      expect.objectContaining({
        kind: "permanent",
        code: "corrupt-file",
        operation: "read data file",
        resource,
        message: expect.stringContaining("holds line 7, which cannot be read: no Item."),
      }),
    );
    const other = new RangeError("a bug");
    expect(reading(other)).toThrow(other);
  });

  test("given exactly as many bytes as its metadata or the setting allows, then it is read", async () => {
    const line = numbered(1, 2);
    const bytes = String(line.length);
    const recorded = await stored([line], { items: 1, metadata: { ...own, bytes } });
    expect(await verifyDataFile(bucket, recorded.file, recorded.ports, always)).toBeDefined();
    const settings = { maximumFileBytes: line.length };
    const bounded = await stored([line], { items: 1, settings });
    expect(await verifyDataFile(bucket, bounded.file, bounded.ports, always)).toBeDefined();
  });

  test.each(["27x", "x27", "", "-1"])(
    "given metadata with %j for its bytes, then they are not a record",
    async (bytes) => {
      const { file, ports } = await stored([numbered(1, 3)], { items: 2, metadata: { ...own, bytes } });
      expect(await verifyDataFile(bucket, file, ports, always)).toBeDefined();
    },
  );

  test("given one block, then it is read even if the caller would stop the verification", async () => {
    const { file, ports } = await stored([numbered(1, 3)], { items: 2 });
    expect(await verifyDataFile(bucket, file, ports, async () => false)).toBeDefined();
  });

  test("given an error of the bucket, then it is thrown unchanged", async () => {
    const { file, ports } = await stored([numbered(1, 2)], { items: 1 });
    const about = { operation: "GetObject", resource: "r", message: "no.", hint: "" };
    for (const code of ["access-denied", "corrupt-file"] as const) {
      const denied = new FerryError("permanent", code, about);
      const archive = { ...ports.archive, open: () => Promise.reject(denied) };
      await expect(verifyDataFile(bucket, file, { ...ports, archive }, always)).rejects.toBe(denied);
    }
  });

  test("given that it was deleted, then it is an error", async () => {
    const { archive, file, ports } = await stored([""], { items: 0 });
    archive.remove(bucket, key);
    await expect(verifyDataFile(bucket, file, ports, always)).rejects.toMatchObject({
      code: "corrupt-file",
      message: expect.stringContaining("no longer exists."),
    });
  });
});

describe("a connection that breaks", () => {
  const reset = new FerryError("transient", "service-error", {
    operation: "GetObject",
    resource,
    message: "",
    hint: "",
  });
  /** An archive whose streams yield a limited number of bytes each time they are opened, and then throw or end. */
  function breaking(archive: ArchiveStore, bytesPerOpening: (opening: number) => number, error?: Error) {
    let openings = 0;
    return intercept("archive", archive, ["open"], async (_, run) => {
      const opened = (await run()) as Awaited<ReturnType<ArchiveStore["open"]>>;
      const bytes = bytesPerOpening(openings++);
      async function* chunks() {
        let yieldedBytes = 0;
        for await (const chunk of opened!.chunks) {
          for (let at = 0; at < chunk.length; at += 1000) {
            if (yieldedBytes >= bytes) {
              if (error !== undefined) throw error;
              return;
            }
            yieldedBytes += Math.min(1000, chunk.length - at);
            yield chunk.subarray(at, at + 1000);
          }
        }
      }
      return { ...opened!, chunks: chunks() };
    });
  }

  test.each([
    ["breaks", reset],
    ["ends too early", undefined],
  ])(
    "given one that %s repeatedly after some bytes, then the file is read on from the next byte",
    async (_, error) => {
      const { file, ports, opens } = await stored(large, { items: LINES });
      const archive = breaking(ports.archive, () => 10_000, error);
      const verified = await verifyDataFile(bucket, file, { ...ports, archive }, always);
      expect(await textFrom(verified, 0)).toBe(large[0]);
      expect(opens.slice(0, 2)).toEqual([
        { fromByte: 0 },
        { fromByte: 10_000, ifMatch: expect.stringMatching(/^"[0-9a-f]{32}"$/) },
      ]);
      expect(opens.length).toBeGreaterThan(4);
    },
  );

  test.each([
    ["breaks", reset],
    ["ends too early", undefined],
  ])(
    "given one that %s and then yields no more bytes, then a transient error is thrown",
    async (_, error) => {
      const { file, ports, opens } = await stored(large, { items: LINES });
      const archive = breaking(ports.archive, (opening) => (opening === 0 ? 10_000 : 0), error);
      const reading = verifyDataFile(bucket, file, { ...ports, archive }, always);
      await expect(reading).rejects.toMatchObject({ kind: "transient", resource });
      expect(opens).toHaveLength(4);
    },
  );

  test("given an error that is not transient, then the object is not reopened", async () => {
    const { file, ports, opens } = await stored(large, { items: LINES });
    const archive = breaking(ports.archive, () => 10_000, new Error("a bug"));
    await expect(verifyDataFile(bucket, file, { ...ports, archive }, always)).rejects.toThrow("a bug");
    expect(opens).toHaveLength(1);
  });
});
