import { intercept } from "@ferry/memory/intercept";
import { accepted, archivedLines, backupRequest, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { type Position, start } from "../archive/chain.ts";
import { cutPage } from "../archive/page.ts";
import type { BackupPlan, SegmentWork } from "../events/events.ts";
import type { ArchiveStore, Codec } from "../ports.ts";
import { defaultSettings } from "../settings/settings.ts";
import { openWriter, type Writer } from "./writer.ts";

const LAST = true;
/** An item whose line has `bytes` bytes. */
const item = (n: number, bytes = 60) => {
  const bare = `{"id":{"S":"${n}"},"x":{"S":""}}`;
  return `{"id":{"S":"${n}"},"x":{"S":"${"x".repeat(bytes - bare.length - 10)}"}}`;
};
const page = (items: string[], last = false) =>
  cutPage(
    new TextEncoder().encode(
      `{"Items":[${items.join(",")}],"Count":${items.length}${last ? "" : ',"LastEvaluatedKey":{"id":{"S":"k"}}'}}`,
    ),
  );

type NewObject = Parameters<ArchiveStore["putNew"]>[3];

interface Options {
  batchBytes?: number;
  batchSpacingMs?: number;
  maximumCompressedFileBytes?: number;
  untilMs?: (nowMs: number) => number;
  from?: Position;
  request?: object;
  stillNeeded?: () => boolean;
  /** The error that each write of the compressor throws. */
  failing?: Error;
  /** Called before each write. */
  beforeWrite?: () => Promise<void>;
  ports?: ReturnType<typeof world>;
  /** Called before each put. */
  beforePut?: (key: string) => Promise<void>;
}

/** A writer at the start of segment 0, and a record of its puts and positions. */
async function writer(options: Options = {}) {
  const { batchSpacingMs = 0, maximumCompressedFileBytes = 1_000_000 } = options;
  const settings = { ...defaultSettings, batchSpacingMs, maximumCompressedFileBytes };
  const plain = options.ports ?? world({ settings });
  const backup = {
    ...backupRequest,
    "total-segments": 1,
    "batch-bytes": options.batchBytes ?? 120,
    ...options.request,
  };
  const [work] = (await accepted(backup, plain)) as [SegmentWork];
  const puts: { key: string; options: NewObject; atMs: number }[] = [];
  let discarded = 0;
  let writes = 0;
  const ports = {
    ...plain,
    archive: intercept("archive", plain.archive, ["putNew"], async ({ args }, run) => {
      puts.push({ key: args[1] as string, options: args[3] as NewObject, atMs: plain.clock.now() });
      await options.beforePut?.(args[1] as string);
      return run();
    }),
    codec: {
      ...plain.codec,
      compress: (...args: Parameters<Codec["compress"]>) => {
        const compressor = plain.codec.compress(...args);
        const discard = () => {
          discarded++;
          compressor.discard();
        };
        const write = async (bytes: Uint8Array) => {
          writes++;
          if (options.failing !== undefined) throw options.failing;
          await options.beforeWrite?.();
          await compressor.write(bytes);
        };
        return { ...compressor, write, discard };
      },
    },
  };
  const stillNeeded = async () => options.stillNeeded?.() ?? true;
  const check = {
    stillNeeded,
    async waitUntil(ms: number) {
      if (ms > plain.clock.now()) await plain.clock.sleep(ms - plain.clock.now());
      return stillNeeded();
    },
  };
  const positions: Position[] = [];
  const onPosition = (position: Position) => positions.push(position);
  const untilMs = options.untilMs?.(plain.clock.now()) ?? 1e15;
  const opened = openWriter(
    work,
    work.plan as BackupPlan,
    options.from ?? start,
    { untilMs, check, onPosition },
    ports,
  );
  return { ...opened, puts, positions, plain, discarded: () => discarded, writes: () => writes };
}

const file = (batch: number) => `backups/one/0x0000/0x0000000${batch}.json.gz`;

test("a page's memory is freed once its lines are made, if nothing else is in its buffer", async () => {
  const { take, flush, position, plain } = await writer({ batchBytes: 1_000_000 });
  const whole = page([item(3), item(4)]);
  const buffer = new Uint8Array(1000).fill(0x20);
  const { body } = page([item(1), item(2)]);
  buffer.set(body, 10);
  const part = cutPage(buffer.subarray(10, 10 + body.length));
  await take(part);
  expect(part.body).toHaveLength(body.length);
  await take(whole);
  expect(whole.body).toHaveLength(0);
  expect(whole.bounds).toHaveLength(0);
  await flush();
  expect(position()).toMatchObject({ after: { id: { S: "4" } }, counts: { items: 4 } });
  expect(await archivedLines(plain)).toEqual([[1, 2, 3, 4].map((n) => `{"Item":${item(n)}}`)]);
});

describe("a file", () => {
  test("is put when it reaches batch-bytes", async () => {
    const { take, puts, position, flush } = await writer({ batchBytes: 120 });
    expect(await take(page([item(1, 60)]))).toBe("taken");
    expect(puts).toEqual([]);
    expect(await take(page([item(2, 60), item(3, 119)]))).toBe("taken");
    await expect.poll(() => puts.map(({ key }) => key)).toEqual([file(0)]);
    await expect.poll(position).toEqual({
      batch: 1,
      after: { id: { S: "2" } },
      counts: { batches: 1, items: 2, bytes: 120 },
      ended: false,
    });
    await take(page([item(4, 60)]));
    await flush();
    expect(position().counts).toEqual({ batches: 2, items: 4, bytes: 299 });
  });

  test("holds the items of several pages, up to the one that reaches batch-bytes", async () => {
    const { take, plain } = await writer({ batchBytes: 121 });
    await take(page([item(1), item(2), item(3), item(4)]));
    await take(page([item(5), item(6), item(7)], LAST));
    expect((await archivedLines(plain)).map((lines) => lines.length)).toEqual([3, 3, 1]);
  });

  // Of each write, zstd's codec in memory stores the 60 bytes of a line and a header of 3, after a header of 6.
  test.each([
    [6 + 63, ["2", "2", "0"]],
    [6 + 63 + 1, ["3", "1"]],
    [6 + 63 + 63 + 1, ["4", "0"]],
  ])("is put with the write after the one that made its compressed size %i", async (size, items) => {
    const { take, puts } = await writer({
      batchBytes: 1000,
      maximumCompressedFileBytes: size,
      request: { compression: "zstd" },
    });
    for (let n = 1; n <= 4; n++) await take(page([item(n)]));
    await take(page([], LAST));
    expect(puts.map(({ options }) => options.metadata["items"])).toEqual(items);
  });

  test("is filled with the items of a page in one write", async () => {
    const { take, writes } = await writer({ batchBytes: 1000 });
    await take(page(Array.from({ length: 10 }, (_, n) => item(n))));
    expect(writes()).toBe(1);
    await take(
      page(
        Array.from({ length: 10 }, (_, n) => item(n)),
        LAST,
      ),
    );
    // Seven of these fill the first file.
    expect(writes()).toBe(3);
  });

  test("whose compression fails causes an error at the next call, and no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const record = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", record);
    const failing = new Error("out of memory");
    const { take } = await writer({ failing });
    await take(page([item(1)]));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", record);
    expect(unhandled).toEqual([]);
    await expect(take(page([item(2)]))).rejects.toBe(failing);
  });

  test("of a zstd backup is named and typed as zstd", async () => {
    const { take, puts } = await writer({ request: { compression: "zstd" } });
    await take(page([item(1)], LAST));
    expect(puts[0]).toMatchObject({
      key: "backups/one/0x0000/0x00000000.json.zst",
      options: { contentType: "application/zstd" },
    });
  });

  test("is gzip with metadata, encrypted with the request's key if it has one", async () => {
    const { take, puts } = await writer();
    await take(page([item(1)], LAST));
    expect(puts[0]!.options).toEqual({
      contentType: "application/gzip",
      metadata: {
        "request-id": "request-1",
        segments: expect.stringMatching(/^\d+$/),
        items: "1",
        bytes: "60",
        md5: expect.any(String),
        end: "true",
      },
    });
    const encrypted = await writer({ request: { "kms-key-id": "alias/backups" } });
    await encrypted.take(page([item(1)], LAST));
    expect(encrypted.puts[0]!.options).toMatchObject({ kmsKeyId: "alias/backups" });
  });
});

describe("the segment's end", () => {
  test("is marked in its last file", async () => {
    const { take, puts, position, positions } = await writer({ batchBytes: 120 });
    expect(await take(page([item(1), item(2), item(3)], LAST))).toBe("taken");
    expect(puts.map(({ options }) => options.metadata["end"])).toEqual([undefined, "true"]);
    expect(position()).toMatchObject({ batch: 2, after: { id: { S: "3" } }, ended: true });
    expect(positions).toHaveLength(2);
  });

  test("is an empty file if the last page is empty and all items were put", async () => {
    const { take, puts, position } = await writer({ batchBytes: 120 });
    await take(page([item(1), item(2)]));
    expect(await take(page([], LAST))).toBe("taken");
    expect(puts.map(({ options }) => options.metadata["items"])).toEqual(["2", "0"]);
    expect(position()).toMatchObject({ batch: 2, after: { id: { S: "2" } }, ended: true });
  });

  test("of an empty segment has no last key", async () => {
    const { take, position } = await writer();
    await take(page([], LAST));
    expect(position()).toStrictEqual({
      batch: 1,
      counts: { batches: 1, items: 0, bytes: 0 },
      ended: true,
    });
  });

  test("is marked in the open file if the last page is empty", async () => {
    const { take, puts } = await writer();
    await take(page([item(1)]));
    await take(page([], LAST));
    expect(puts.map(({ options }) => options.metadata)).toMatchObject([{ items: "1", end: "true" }]);
  });
});

describe("a put in progress", () => {
  /** A writer whose puts wait until they are released, in order. */
  async function gated(options: Options = {}) {
    const waiting: (() => void)[] = [];
    const beforePut = () => new Promise<void>((resolve) => waiting.push(resolve));
    const opened = await writer({ batchBytes: 60, ...options, beforePut });
    const release = async () => {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      waiting.shift()!();
    };
    return { ...opened, release };
  }

  test("does not stop the next file from being filled, but its put waits", async () => {
    const { take, flush, puts, position, writes, release } = await gated({ batchBytes: 120 });
    expect(await take(page([item(1), item(2), item(3)]))).toBe("taken");
    expect(writes()).toBe(2);
    expect(position().batch).toBe(0);
    const next = take(page([item(4), item(5)]));
    await expect.poll(writes).toBe(3);
    expect(puts.map(({ key }) => key)).toEqual([file(0)]);
    await release();
    expect(await next).toBe("taken");
    expect(position()).toMatchObject({ batch: 1, after: { id: { S: "2" } } });
    const flushed = flush();
    await release();
    await release();
    expect(await flushed).toBe("taken");
    expect(puts.map(({ key }) => key)).toEqual([file(0), file(1), file(2)]);
    expect(position()).toMatchObject({ batch: 3, counts: { items: 5 } });
  });

  test("that another worker won makes the file after it worthless", async () => {
    const ports = world();
    const winner = await writer({ batchBytes: 60, ports });
    await winner.take(page([item(1)]));
    await winner.flush();
    const loser = await gated({ ports });
    expect(await loser.take(page([item(1)]))).toBe("taken");
    const next = loser.take(page([item(2), item(3)]));
    await loser.release();
    expect(await next).toBe("adopted");
    expect(loser.position()).toEqual(winner.position());
    expect(loser.puts).toHaveLength(1);
    expect(loser.discarded()).toBe(1);
  });

  test("that another worker won is found at the next page", async () => {
    const ports = world();
    const winner = await writer({ batchBytes: 60, ports });
    await winner.take(page([item(1)]));
    await winner.flush();
    const loser = await writer({ batchBytes: 60, ports });
    await loser.take(page([item(1)]));
    await expect.poll(loser.position).toEqual(winner.position());
    await new Promise((resolve) => setImmediate(resolve));
    // Of so few bytes that no file would be put.
    expect(await loser.take(page([item(2, 50)]))).toBe("adopted");
    expect(loser.puts).toHaveLength(1);
  });

  test.each([
    ["by a flush", (nowMs: number) => nowMs + 1, (loser: Writer) => loser.flush(), "taken"],
    ["when the time is up", (nowMs: number) => nowMs, undefined, "adopted"],
  ])("that another worker won is found %s", async (_, untilMs, flush, taken) => {
    const ports = world();
    const winner = await writer({ batchBytes: 60, ports });
    await winner.take(page([item(1)]));
    await winner.flush();
    const loser = await writer({ batchBytes: 60, ports, untilMs });
    expect(await loser.take(page([item(1)]))).toBe(taken);
    if (flush !== undefined) expect(await flush(loser)).toBe("adopted");
    expect(loser.position()).toEqual(winner.position());
  });

  test("whose last lines are still being compressed keeps them until they are", async () => {
    const first = Promise.withResolvers<void>();
    let writes = 0;
    const beforeWrite = () => (++writes === 1 ? first.promise : Promise.resolve());
    const { take, flush, plain } = await writer({ batchBytes: 120, beforeWrite });
    await take(page([item(1), item(2)]));
    await take(page([item(3, 50)]));
    const third = take(page([item(4, 50)]));
    await new Promise((resolve) => setImmediate(resolve));
    first.resolve();
    expect(await third).toBe("taken");
    await flush();
    expect(await archivedLines(plain)).toEqual([
      [`{"Item":${item(1)}}`, `{"Item":${item(2)}}`],
      [`{"Item":${item(3, 50)}}`, `{"Item":${item(4, 50)}}`],
    ]);
  });

  test("that fails causes an error at the next call, and no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const record = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", record);
    const failing = new Error("reset");
    const { take, flush, puts } = await writer({ batchBytes: 60, beforePut: () => Promise.reject(failing) });
    await take(page([item(1)]));
    await expect.poll(() => puts.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", record);
    expect(unhandled).toEqual([]);
    await expect(flush()).rejects.toBe(failing);
  });

  test("has ended when the open file is discarded", async () => {
    const { take, discard, position, release } = await gated();
    await take(page([item(1)]));
    const discarded = discard();
    await release();
    await discarded;
    expect(position().batch).toBe(1);
  });
});

describe("when the time is up", () => {
  test("the rest of a page is discarded after a file was put", async () => {
    const { take, puts, position } = await writer({ batchBytes: 60, untilMs: (nowMs) => nowMs });
    expect(await take(page([item(1), item(2)]))).toBe("expired");
    expect(puts).toHaveLength(1);
    expect(position()).toMatchObject({ after: { id: { S: "1" } } });
  });

  test("the last file is still put", async () => {
    const { take, position } = await writer({ batchBytes: 60, untilMs: (nowMs) => nowMs - 1 });
    expect(await take(page([item(1)], LAST))).toBe("taken");
    expect(position().ended).toBe(true);
  });

  test("a page is taken with a millisecond left", async () => {
    const { take } = await writer({ batchBytes: 60, untilMs: (nowMs) => nowMs + 1 });
    expect(await take(page([item(1), item(2)]))).toBe("taken");
  });

  test("a flush puts the open file, if there is one", async () => {
    const { take, flush, puts } = await writer();
    expect(await flush()).toBe("taken");
    expect(puts).toEqual([]);
    await take(page([item(1)]));
    expect(await flush()).toBe("taken");
    expect(puts.map(({ options }) => options.metadata)).toMatchObject([{ items: "1" }]);
    expect(puts[0]!.options.metadata).not.toHaveProperty("end");
    await flush();
    expect(puts).toHaveLength(1);
  });
});

describe("a segment that is no longer needed", () => {
  test("gets no file, and the writer returns cancelled", async () => {
    let isNeeded = true;
    const { take, flush, puts, discard, discarded } = await writer({ stillNeeded: () => isNeeded });
    await take(page([item(1)]));
    isNeeded = false;
    expect(await take(page([item(2)]))).toBe("cancelled");
    expect(await flush()).toBe("cancelled");
    expect(puts).toEqual([]);
    discard();
    expect(discarded()).toBe(1);
  });

  test("is detected after the wait for the batch spacing too", async () => {
    let checks = 0;
    const { take, puts } = await writer({ batchBytes: 60, stillNeeded: () => ++checks < 2 });
    expect(await take(page([item(1)]))).toBe("cancelled");
    expect(puts).toEqual([]);
  });
});

describe("a batch spacing", () => {
  test("applies between puts, but not before the first file of a segment", async () => {
    const { take, puts, plain } = await writer({ batchBytes: 60, batchSpacingMs: 1000 });
    const now = plain.clock.now();
    await take(page([item(1), item(2), item(3)], LAST));
    expect(puts.map(({ atMs }) => atMs - now)).toEqual([0, 1000, 2000]);
  });

  test("applies to a slice's first file if the previous slice put one", async () => {
    const from = { batch: 1, counts: { batches: 1, items: 1, bytes: 60 }, ended: false };
    const { take, puts, plain } = await writer({ batchBytes: 60, batchSpacingMs: 1000, from });
    const now = plain.clock.now();
    await take(page([item(1)], LAST));
    expect(puts.map(({ key, atMs }) => [key, atMs - now])).toEqual([[file(1), 1000]]);
  });
});

describe("a file that another worker put first", () => {
  test("is adopted, and the rest of the page is discarded", async () => {
    const ports = world();
    ports.tables.put(source, item(1));
    const winner = await writer({ batchBytes: 60, ports });
    await winner.take(page([item(1), item(2)]));
    const loser = await writer({ batchBytes: 60, ports });
    expect(await loser.take(page([item(1), item(2), item(3), item(4)]))).toBe("adopted");
    expect(loser.position()).toEqual(winner.position());
    expect(loser.positions).toEqual([winner.position()]);
    expect(await loser.take(page([item(3)], LAST))).toBe("taken");
    expect(loser.position()).toMatchObject({ batch: 3, ended: true, counts: { items: 3 } });
  });

  test("with an end mark ends the segment, and no file is put after it", async () => {
    const ports = world();
    const winner = await writer({ ports });
    await winner.take(page([item(1)], LAST));
    const loser = await writer({ ports });
    expect(await loser.take(page([item(1)], LAST))).toBe("adopted");
    expect(loser.position()).toMatchObject({ batch: 1, ended: true });
  });

  test("but that is not listed causes a transient error", async () => {
    const plain = world();
    const archive = { ...plain.archive, list: async () => [] };
    const winner = await writer({ ports: plain });
    await winner.take(page([item(1)], LAST));
    const loser = await writer({ ports: { ...plain, archive } });
    await expect(loser.take(page([item(1)], LAST))).rejects.toThrow(
      "taken when it was put and is not listed",
    );
  });
});
