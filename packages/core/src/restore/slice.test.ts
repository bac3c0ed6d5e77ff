import { intercept } from "@ferry/memory/intercept";
import { fullExport, itemLine, storeExport } from "@ferry/memory/native-export";
import { memoryTables } from "@ferry/memory/tables";
import {
  accepted,
  backupRequest,
  bucket,
  destination,
  message,
  request,
  restoreRequest,
  runTask,
  sliceToEnd,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import type { RestorePlan, SegmentWork } from "../events/events.ts";
import { newTaskRow } from "../projection/status.ts";
import { defaultSettings } from "../settings/settings.ts";
import { itemsArbitrary, oddJson } from "../testing/odd-json.ts";
import { work } from "../worker.ts";

const item = (n: number, of = "old") => `{"id":{"S":"item-${n}"},"of":{"S":"${of}"}}`;
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const restored = (ports: ReturnType<typeof world>) => ports.tables.items(destination).map(decode).sort();

/** A world with a finished backup of these items. */
async function backedUp(items: readonly string[], ports = world(), backup: object = {}) {
  ports.tables.put(source, ...items);
  const events = await runTask({ ...backupRequest, ...backup }, ports);
  expect(events).toMatchObject([{ type: "TaskFinished", detail: { items: items.length } }]);
  return ports;
}

describe("a restore", () => {
  test("given any numbers of segments in backup and restore, then the table holds the items byte for byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        itemsArbitrary(20).chain((items) => fc.tuple(...items.map((one) => oddJson(fc.constant(one))))),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 600 }),
        async (items, backupSegments, restoreSegments, batchBytes) => {
          const texts = items.map(({ text }) => text.trim().replace(/[\r\n]/g, " "));
          const ports = await backedUp(texts, world(), {
            "total-segments": backupSegments,
            "batch-bytes": batchBytes,
          });
          const events = await runTask({ ...restoreRequest, "total-segments": restoreSegments }, ports);
          expect(events).toMatchObject([{ type: "TaskFinished", detail: { items: texts.length } }]);
          expect(restored(ports)).toEqual([...texts].sort());
        },
      ),
      { numRuns: 30 },
    );
  });

  test("a block's memory is released when all writes of its lines have ended, also if other calls end earlier", async () => {
    // Blocks of 1 MiB, and items of 10 KB: a file has several blocks, and a block several calls. It is read while it is written.
    const settings = { ...defaultSettings, maximumFileBytesInMemory: 1024 * 1024 };
    const items = Array.from({ length: 600 }, (_, n) =>
      item(n).replace(/}$/, `,"x":{"S":"${String(n % 10).repeat(10_000)}"}}`),
    );
    const plain = await backedUp(items, world({ settings }), { "total-segments": 1 });
    let calls = 0;
    const tables = intercept("tables", plain.tables, ["write"], async (_, run) => {
      // Some calls end later than those that were sent after them, and read their items then.
      const turns = ++calls % 3 === 0 ? 200 : 20;
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      return run();
    });
    const events = await runTask({ ...restoreRequest, "total-segments": 1 }, { ...plain, tables });
    expect(events).toMatchObject([{ type: "TaskFinished", detail: { items: 600 } }]);
    expect(restored(plain)).toEqual(items.toSorted());
  });

  test("given a table that takes only part of each call and throttles, then every item is written", async () => {
    let calls = 0;
    const tables = memoryTables({
      faults: {
        write: (_, writes) =>
          ++calls % 3 === 0 ? "throttled" : { unprocessed: Math.floor(writes.length / 2) },
      },
    });
    const items = Array.from({ length: 100 }, (_, n) => item(n));
    const ports = await backedUp(items, world({ tables }));
    await runTask(restoreRequest, ports);
    expect(restored(ports)).toEqual([...items].sort());
  });

  test("given too little time, then it hands off at a line, and each line is counted once", async () => {
    const tables = memoryTables();
    const settings = { ...defaultSettings, sliceBudgetMs: 3000 };
    const items = Array.from({ length: 1000 }, (_, n) => item(n));
    const plain = await backedUp(items, world({ tables, settings }));
    const ports = {
      ...plain,
      tables: intercept("tables", tables, ["write"], async (_, run) => {
        plain.clock.advance(400);
        return run();
      }),
    };
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    const { event, slices } = await sliceToEnd(segment!, ports);
    expect(slices).toBeGreaterThan(2);
    expect(event).toMatchObject({
      type: "SegmentCompleted",
      detail: { counts: { items: 1000, batches: 1 } },
    });
    expect(restored(ports)).toEqual([...items].sort());
  });

  test("given continuous throttling, then it hands off at the same line, and the handoff does not count as one without progress", async () => {
    const tables = memoryTables({ faults: { write: () => "throttled" } });
    const ports = await backedUp([item(1)], world({ tables }));
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    expect(
      await work(message("SegmentQueued", { ...segment, "handoffs-without-progress": 5 }), ports),
    ).toMatchObject([
      {
        type: "SegmentProgressed",
        detail: {
          handoff: true,
          cursor: { file: 0, line: 0 },
          "handoffs-without-progress": 5,
          usage: { units: 0, throttles: expect.any(Number), ms: expect.any(Number) },
        },
      },
    ]);
  });

  test("reports what its slices used, in this attempt", async () => {
    const ports = await backedUp([item(1), item(2)]);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    const usage = { units: 5, throttles: 3, ms: 60_000 };
    const [event] = await work(message("SegmentQueued", { ...segment, usage, handoffs: 2 }), ports);
    expect(event).toMatchObject({
      type: "SegmentCompleted",
      detail: { handoffs: 2, usage: { units: 7, throttles: 3 } },
    });
  });

  test("given a write ceiling, then the writes keep to it", async () => {
    const ports = await backedUp(Array.from({ length: 200 }, (_, n) => item(n)));
    const before = ports.clock.now();
    await runTask({ ...restoreRequest, "total-segments": 1, "write-units": 20 }, ports);
    // 200 items of one unit each, at 20 a second; up to eight calls of 25 are sent before the first is counted.
    expect(ports.clock.now() - before).toBeGreaterThan(1_000);
  });

  test.each([
    ["merge", ["item-1 old", "item-2 old", "item-3 app"]],
    ["if-absent", ["item-1 app", "item-2 old", "item-3 app"]],
  ])(
    "given a table with items and restore-mode %s, then it holds the expected items",
    async (mode, expected) => {
      const ports = await backedUp([item(1), item(2)]);
      ports.tables.put(destination, item(1, "app"), item(3, "app"));
      await runTask({ ...restoreRequest, "restore-mode": mode }, ports);
      const found = restored(ports).map((text) => JSON.parse(text));
      expect(found.map(({ id, of }) => `${id.S} ${of.S}`)).toEqual(expected);
    },
  );

  test("given restore-mode if-absent and items with the same keys, then it counts those that differ as skipped", async () => {
    const items = Array.from({ length: 60 }, (_, n) => item(n));
    const ports = await backedUp(items);
    ports.tables.put(destination, item(1, "app"), item(2), item(30, "app"), item(99, "app"));
    const before = new Set<string>();
    const tables = intercept("tables", ports.tables, ["insert"], async ({ args }, run) => {
      const answer = await run();
      const call = JSON.stringify(args);
      if (before.has(call)) return answer;
      before.add(call);
      // The items are in the table, but the response is lost.
      throw new Error("socket hang up");
    });
    const restore = { ...restoreRequest, "total-segments": 1, "restore-mode": "if-absent" };
    const [segment] = await accepted(restore, ports);
    const { event } = await sliceToEnd(segment!, { ...ports, tables });
    expect(event?.detail).toMatchObject({ counts: { items: 60, skipped: 2 } });
  });

  test("given a retry of empty-only, then items of the application count as skipped, and its own earlier items do not", async () => {
    const ports = await backedUp([1, 2, 3].map((n) => item(n)));
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    ports.tables.put(destination, item(1), item(2, "app"));
    const { event } = await sliceToEnd({ ...segment!, attempt: 2 }, ports);
    expect(event?.detail).toMatchObject({ counts: { items: 3, skipped: 1 } });
    expect(restored(ports)).toEqual([item(1), item(2, "app"), item(3)]);
  });

  test("given a mode that overwrites, then nothing is skipped", async () => {
    const ports = await backedUp([item(1)]);
    ports.tables.put(destination, item(1, "app"));
    const [segment] = await accepted(
      { ...restoreRequest, "total-segments": 1, "restore-mode": "merge" },
      ports,
    );
    const { event } = await sliceToEnd(segment!, ports);
    expect(event?.detail).toHaveProperty("counts");
    expect(event?.detail).not.toHaveProperty("counts.skipped");
  });

  test("given a batch spacing, then its files keep to it, in one slice and between slices", async () => {
    for (const sliceBudgetMs of [10_000, 200_000]) {
      const settings = { ...defaultSettings, batchSpacingMs: 60_000, sliceBudgetMs };
      const plain = await backedUp(
        [1, 2, 3, 4].map((n) => item(n)),
        world({ settings }),
        { "total-segments": 1, "batch-bytes": 20 },
      );
      const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, plain);
      const timesMs: number[] = [];
      const tables = intercept("tables", plain.tables, ["write"], (_, run) => {
        timesMs.push(plain.clock.now());
        return run();
      });
      const { event } = await sliceToEnd(segment!, { ...plain, tables });
      expect(event).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 4, batches: 4 } } });
      const gapsMs = timesMs.slice(1).map((at, i) => at - timesMs[i]!);
      expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(60_000);
    }
  });

  describe("given a file that is not kept in memory", () => {
    const settings = { ...defaultSettings, maximumFileBytesInMemory: 1, sliceBudgetMs: 3000 };
    const items = Array.from({ length: 1000 }, (_, n) => item(n));

    test("then each slice continues at the cursor's line, and each line is written and counted once", async () => {
      const plain = await backedUp(items, world({ settings }), { "total-segments": 1 });
      const written: string[] = [];
      const tables = intercept("tables", plain.tables, ["write"], (call, run) => {
        plain.clock.advance(400);
        for (const { put } of call.args[1] as { put: Uint8Array }[]) written.push(decode(put));
        return run();
      });
      const ports = { ...plain, tables };
      const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
      const { event, slices } = await sliceToEnd(segment!, ports);
      expect(slices).toBeGreaterThan(2);
      expect(event).toMatchObject({
        type: "SegmentCompleted",
        detail: { counts: { items: 1000, batches: 1 } },
      });
      expect(written.sort()).toEqual([...items].sort());
    });

    test("and is replaced while it is written, then its segment fails, and the file does not count as complete", async () => {
      const plain = await backedUp(items, world({ settings }), { "total-segments": 1 });
      const key = "backups/one/0x0000/0x00000000.json.gz";
      let opens = 0;
      const archive = intercept("archive", plain.archive, ["open"], async ({ args }, run) => {
        if (args[1] === key && ++opens === 2) plain.archive.store(bucket, key, new Uint8Array(100));
        return run();
      });
      const ports = { ...plain, archive };
      const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
      expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
        {
          type: "SegmentFailed",
          detail: {
            cause: "object-changed",
            error: { resource: `s3://archives/${key}` },
            work: { cursor: { file: 0, line: 0 } },
          },
        },
      ]);
    });
  });

  describe("given a file that takes long to verify", () => {
    const texts = Array.from(
      { length: 20 },
      (_, n) => `{"id":{"S":"item-${n}"},"x":{"S":"${"x".repeat(390_000)}"}}`,
    );
    /** Runs a slice in which opening the file takes `ms`. Returns its events and the number of decompressed bytes. */
    async function verifyFor(ms: number, cancelled: boolean) {
      const settings = { ...defaultSettings, sliceBudgetMs: 60_000, cancelPollIntervalMs: 1000 };
      const plain = await backedUp(texts, world({ settings }), { "total-segments": 1 });
      const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, plain);
      let bytes = 0;
      const codec = {
        ...plain.codec,
        async *decompress(chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of plain.codec.decompress(chunks)) {
            bytes += chunk.length;
            yield chunk;
          }
        },
      };
      const archive = intercept("archive", plain.archive, ["open"], async (_, run) => {
        plain.clock.advance(ms);
        const row = newTaskRow(segment!.task, "2026-11-01T02:00:00Z");
        if (cancelled) await plain.status.write({ ...row, cancelledAttempt: 1, rev: 1 }, undefined);
        return run();
      });
      const events = await work(message("SegmentQueued", segment), { ...plain, archive, codec });
      expect(restored(plain)).toEqual([]);
      return { events, bytes };
    }
    const ALL_BYTES = 20 * 390_000;

    test("when the slice's time is up, then reading stops and the slice hands off", async () => {
      const { events, bytes } = await verifyFor(70_000, false);
      expect(events).toMatchObject([
        {
          type: "SegmentProgressed",
          detail: { handoff: true, cursor: { file: 0, line: 0 }, "handoffs-without-progress": 1 },
        },
      ]);
      expect(bytes).toBeLessThan(ALL_BYTES / 2);
    });

    test("when the task is cancelled, then reading stops and the segment fails", async () => {
      const { events, bytes } = await verifyFor(2000, true);
      expect(events).toMatchObject([{ type: "SegmentFailed", detail: { cause: "cancelled" } }]);
      expect(bytes).toBeLessThan(ALL_BYTES / 2);
    });
  });

  test("given no time to verify a file, then the next slice continues with it and the later files, even empty ones", async () => {
    const ports = world();
    const lines = Array.from({ length: 8 }, (_, n) =>
      itemLine(`{"id":{"S":"item-${n}"},"x":{"S":"${"x".repeat(390_000)}"}}`),
    );
    const made = fullExport({ bucket: bucket.name, id: "01", files: [[], lines, [], []] });
    const restore = { ...restoreRequest, "bucket-prefix": storeExport(ports.archive, bucket, made) };
    const [segment] = await accepted({ ...restore, "total-segments": 1 }, ports);
    let opens = 0;
    // Opening a file takes longer than the slice has, so the large file is not verified in time in any order of the files.
    const archive = intercept("archive", ports.archive, ["open"], (_, run) => {
      if (++opens <= 4) ports.clock.advance(300_000);
      return run();
    });
    const [event] = await work(message("SegmentQueued", segment), { ...ports, archive });
    expect(event).toMatchObject({ type: "SegmentProgressed", detail: { counts: { items: 0 } } });
    const { event: last } = await sliceToEnd(event!.detail as SegmentWork, ports);
    expect(last).toMatchObject({ type: "SegmentCompleted", detail: { counts: { items: 8, batches: 4 } } });
    expect(restored(ports)).toHaveLength(8);
  });

  test("given a line that cannot be read, then its segment fails, and the error names file and line", async () => {
    const ports = world();
    const made = fullExport({ bucket: bucket.name, id: "01", files: [[itemLine(item(1)), '{"Other":{}}']] });
    const restore = { ...restoreRequest, "bucket-prefix": storeExport(ports.archive, bucket, made) };
    const [segment] = await accepted({ ...restore, "total-segments": 1 }, ports);
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      {
        type: "SegmentFailed",
        detail: {
          cause: "corrupt-file",
          error: {
            resource: expect.stringMatching(/^s3:\/\/archives\/AWSDynamoDB\/01\/data\/\w+\.json\.gz$/),
            message: expect.stringContaining("line 2"),
          },
        },
      },
    ]);
  });

  test("given a damaged data file, then its segment fails, and the error names the file", async () => {
    const ports = await backedUp([item(1), item(2)], world(), { "total-segments": 1 });
    const key = "backups/one/0x0000/0x00000000.json.gz";
    const stored = await ports.archive.get(bucket, key);
    ports.archive.store(bucket, key, stored!.body.slice(0, -1), stored!.head.metadata);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    expect(await work(message("SegmentQueued", segment), ports)).toMatchObject([
      {
        type: "SegmentFailed",
        detail: { cause: "corrupt-file", error: { resource: `s3://archives/${key}` } },
      },
    ]);
    expect(restored(ports)).toEqual([]);
  });

  test("given a file with another number of lines than the manifest lists, then the restore is rejected", async () => {
    const ports = world();
    // One item in the manifest, two lines in the file.
    const files = [[`${itemLine(item(1))}\n${itemLine(item(2))}`]];
    const made = fullExport({ bucket: bucket.name, id: "01", files });
    const prefix = storeExport(ports.archive, bucket, made);
    ports.tables.put(destination, item(3));
    const [event] = await request(
      { ...restoreRequest, "bucket-prefix": prefix, "restore-mode": "merge" },
      ports,
    );
    expect(event).toMatchObject({
      type: "TaskRejected",
      detail: { cause: "corrupt-file", error: { message: expect.stringContaining("2 lines, but 1") } },
    });
  });

  test("given large items, then no call has more bytes than DynamoDB accepts", async () => {
    const large = (n: number) => `{"id":{"S":"item-${n}"},"filler":{"S":"${"x".repeat(390 * 1024)}"}}`;
    const plain = await backedUp([...Array(16).keys()].map(large));
    const bytes: number[] = [];
    const tables = intercept("tables", plain.tables, ["write"], (call, run) => {
      const writes = call.args[1] as readonly { put: Uint8Array }[];
      bytes.push(writes.reduce((sum, { put }) => sum + put.length, 0));
      return run();
    });
    await runTask({ ...restoreRequest, "total-segments": 1 }, { ...plain, tables });
    expect(plain.tables.items(destination)).toHaveLength(16);
    expect(Math.max(...bytes)).toBeLessThan(5 * 1024 * 1024);
  });

  test("given a write that fails permanently, then its segment fails after all calls in flight have ended", async () => {
    const plain = await backedUp(Array.from({ length: 150 }, (_, n) => item(n)));
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, plain);
    let calls = 0;
    let inFlight = 0;
    const tables = intercept("tables", plain.tables, ["write"], async (_, run) => {
      if (++calls === 1)
        throw permanent("access-denied", { operation: "", resource: "", message: "", hint: "" });
      inFlight++;
      await plain.clock.sleep(1000);
      inFlight--;
      return run();
    });
    expect(await work(message("SegmentQueued", segment), { ...plain, tables })).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "access-denied" } },
    ]);
    expect(calls).toBeGreaterThan(1);
    expect(inFlight).toBe(0);
  });

  test("given other totals than the manifest's, then finishing fails", async () => {
    const ports = await backedUp([item(1)]);
    const [{ task, plan } = {} as SegmentWork] = await accepted(restoreRequest, ports);
    const counted = { "transferred-items": "1", "transferred-bytes": String(item(1).length + 10) };
    const detail = { version: 1, task, attempt: 1, ...counted, plan: { S: JSON.stringify(plan) } };
    const finish = (other: object) =>
      work(message("TaskFinishing", { ...detail, ...other }, "TaskStepFailed"), ports);
    expect(await finish({ "transferred-items": "2" })).toMatchObject([
      { detail: { cause: "totals-differ", error: { message: expect.stringContaining("2 items, but") } } },
    ]);
    expect(await finish({ "transferred-bytes": "9" })).toMatchObject([
      { detail: { cause: "totals-differ", error: { message: expect.stringContaining("9 bytes, but") } } },
    ]);
    expect(await finish({})).toMatchObject([{ type: "TaskFinished" }]);
  });

  test("given an ended task, then a late duplicate writes nothing", async () => {
    const ports = await backedUp([item(1)]);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    await ports.status.write(finishedRow(segment!), undefined);
    expect(await work(message("SegmentQueued", segment), ports)).toEqual([]);
    expect(restored(ports)).toEqual([]);
  });

  test("given a complete segment of a running task, then a late duplicate writes nothing", async () => {
    const ports = await backedUp([item(1)]);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, ports);
    await ports.status.write({ ...finishedRow(segment!), finished: false, total: 2 }, undefined);
    expect(await work(message("SegmentQueued", segment), ports)).toEqual([]);
    expect(restored(ports)).toEqual([]);
  });

  test("given a segment that completes while a duplicate works, then the duplicate stops at its next check", async () => {
    const settings = { ...defaultSettings, cancelPollIntervalMs: 1000 };
    const plain = await backedUp(
      Array.from({ length: 2000 }, (_, n) => item(n)),
      world({ settings }),
    );
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, plain);
    let writes = 0;
    const ports = {
      ...plain,
      tables: intercept("tables", plain.tables, ["write"], async (_, run) => {
        writes++;
        plain.clock.advance(300);
        if (writes === 3) await plain.status.write(finishedRow(segment!), undefined);
        return run();
      }),
    };
    expect(await work(message("SegmentQueued", segment), ports)).toEqual([]);
    expect(writes).toBeLessThan(12);
  });

  test("given a segment that completes while a duplicate's writes are throttled, then they are not retried", async () => {
    const plain = await backedUp([item(1), item(2)]);
    const [segment] = await accepted({ ...restoreRequest, "total-segments": 1 }, plain);
    let writes = 0;
    const ports = {
      ...plain,
      tables: intercept("tables", plain.tables, ["write"], async (call) => {
        if (++writes === 1) await plain.status.write(finishedRow(segment!), undefined);
        return { unprocessed: call.args[1], units: 0 };
      }),
    };
    const startMs = plain.clock.now();
    expect(await work(message("SegmentQueued", segment), ports)).toEqual([]);
    expect(plain.clock.now() - startMs).toBeLessThan(30_000);
    expect(restored(plain)).toEqual([]);
  });
});

function finishedRow({ task }: SegmentWork) {
  return {
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    accepted: true,
    finished: true,
    total: 1,
    completed: [0],
  };
}

describe("a slice", () => {
  const one = { "total-segments": 1 };
  type Writes = readonly { readonly put: Uint8Array }[];

  /** A restore of these items in one segment, and a record of its calls. `refuse`: the error of the nth call, if any. */
  async function sliced(
    items: readonly string[],
    {
      backup = {},
      restore = {},
      settings = {},
      refuse = () => undefined as Error | undefined,
      passMs = 0,
    }: {
      backup?: object;
      restore?: object;
      settings?: Partial<typeof defaultSettings>;
      refuse?: (call: number) => Error | undefined;
      passMs?: number;
    } = {},
  ) {
    const plain = await backedUp(items, world({ settings: { ...defaultSettings, ...settings } }), {
      ...one,
      ...backup,
    });
    const [segment] = await accepted({ ...restoreRequest, ...one, ...restore }, plain);
    const calls: number[] = [];
    const timesMs: number[] = [];
    const startMs = plain.clock.now();
    const tables = intercept("tables", plain.tables, ["write"], ({ args }, run) => {
      calls.push((args[1] as Writes).length);
      timesMs.push(plain.clock.now() - startMs);
      const error = refuse(calls.length);
      plain.clock.advance(passMs);
      return error === undefined ? run() : Promise.reject(error);
    });
    const ports = { ...plain, tables };
    const slice = (change: Partial<SegmentWork> = {}, more: object = {}) => {
      const time = plain.clock.invocation(900_000);
      return work(message("SegmentQueued", { ...segment, ...change }), { ...ports, time, ...more });
    };
    return { ports, segment: segment!, calls, timesMs, slice };
  }
  const numbered = (count: number) => Array.from({ length: count }, (_, n) => item(n));
  const sized = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, n) => {
      const bare = `{"id":{"S":"${n + 10}"},"x":{"S":""}}`;
      return `{"id":{"S":"${n + 10}"},"x":{"S":"${"x".repeat(bytes - bare.length)}"}}`;
    });

  test("writes 25 items a call", async () => {
    const { calls, slice } = await sliced(numbered(60));
    expect(await slice()).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { items: 60, batches: 1 } } },
    ]);
    expect(calls).toEqual([25, 25, 10]);
  });

  test.each([
    // Sixteen lines of 256 KiB are 4 MiB; a line has nine bytes besides its item.
    [256 * 1024 - 9, [16, 1]],
    [256 * 1024 - 8, [15, 2]],
  ])("writes items of %i bytes in calls of at most 4 MiB", async (bytes, expected) => {
    const { calls, slice } = await sliced(sized(17, bytes));
    await slice();
    expect(calls).toEqual(expected);
  });

  test("writes calls of at most as many units as one reservation has", async () => {
    const { calls, slice } = await sliced(numbered(30), { restore: { "write-units": 40 } });
    await slice();
    // A quarter of a second at 93 % of 40 units.
    expect(calls).toEqual([9, 9, 9, 3]);
    const large = await sliced(sized(6, 3000), { restore: { "write-units": 40 } });
    await large.slice();
    // Three units each.
    expect(large.calls).toEqual([3, 3]);
    // Three items of 31 units are exactly one reservation of 93; an item larger than a reservation is sent alone.
    const exact = await sliced(sized(4, 31 * 1024 - 9), { restore: { "write-units": 400 } });
    await exact.slice();
    expect(exact.calls).toEqual([3, 1]);
    const alone = await sliced(sized(2, 3000), { restore: { "write-units": 4 } });
    await alone.slice();
    expect(alone.calls).toEqual([1, 1]);
  });

  test("that fails reports its cursor, and which lines were refused", async () => {
    const refused = permanent("invalid-request", {
      operation: "BatchWriteItem",
      resource: "t",
      message: "no",
      hint: "",
    });
    const { slice } = await sliced(numbered(60), { refuse: (call) => (call === 3 ? refused : undefined) });
    const [event] = await slice();
    expect(event).toMatchObject({
      type: "SegmentFailed",
      detail: {
        cause: "invalid-request",
        error: {
          message:
            "The table refused lines 51 to 60 of s3://archives/backups/one/0x0000/0x00000000.json.gz: no",
        },
        work: { cursor: { file: 0, line: 50 }, counts: { batches: 0, items: 50 } },
      },
    });
  });

  test("that fails in its second file reports the first as complete", async () => {
    const denied = permanent("access-denied", { operation: "", resource: "", message: "", hint: "" });
    const { slice } = await sliced(numbered(2), {
      backup: { "batch-bytes": 10 },
      refuse: (call) => (call === 2 ? denied : undefined),
    });
    expect(await slice()).toMatchObject([
      {
        type: "SegmentFailed",
        detail: { work: { cursor: { file: 1, line: 0 }, counts: { batches: 1, items: 1 } } },
      },
    ]);
  });

  test("counts the bytes of its lines, with their line feeds", async () => {
    const { slice } = await sliced(numbered(30));
    const [event] = await slice();
    const bytes = numbered(30).reduce((sum, text) => sum + text.length + 10, 0);
    expect(event).toMatchObject({ detail: { counts: { bytes } } });
  });

  test("reports its progress at most once an interval", async () => {
    const { ports, slice } = await sliced(numbered(300), {
      settings: { progressIntervalMs: 2500 },
      passMs: 1000,
    });
    ports.bus.events.length = 0;
    await slice();
    const reports = ports.bus.events.map(({ type, detail }) => [
      type,
      (detail as { handoff: boolean }).handoff,
    ]);
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.length).toBeLessThanOrEqual(5);
    for (const report of reports) expect(report).toEqual(["SegmentProgressed", false]);
    const items = ports.bus.events.map(({ detail }) => (detail as SegmentWork).counts.items);
    expect(items.at(-1)).toBeGreaterThan(items[0]!);
  });

  test("fails before it writes if the table was created again", async () => {
    const { ports, calls, slice } = await sliced(numbered(3));
    ports.tables.create(destination, { keys: [{ name: "id", type: "S" }] });
    expect(await slice()).toMatchObject([{ type: "SegmentFailed", detail: { cause: "table-replaced" } }]);
    expect(calls).toEqual([]);
  });

  const spacing = {
    backup: { "batch-bytes": 90 },
    settings: { batchSpacingMs: 60_000, sliceBudgetMs: 200_000 },
  };
  test.each([
    ["at its first file", 0, 0, 0],
    ["in the middle of its first file", 0, 1, 0],
    ["in the middle of another file", 1, 1, 0],
    ["with another file", 1, 0, 60_000],
  ])("that begins %s has its first call after %i:%i at %i ms", async (_, file, at, expectedMs) => {
    const { timesMs, slice } = await sliced(numbered(4), spacing);
    await slice({ cursor: { file, line: at } });
    expect(timesMs[0]).toBe(expectedMs);
  });

  test("whose invocation ends before the batch spacing waits half of its time, and writes", async () => {
    const options = {
      backup: { "batch-bytes": 10 },
      settings: { batchSpacingMs: 60_000, sliceBudgetMs: 10_000 },
    };
    const { ports, timesMs, slice } = await sliced(numbered(3), options);
    const second = { cursor: { file: 1, line: 0 }, counts: { batches: 1, items: 1, bytes: 60 } };
    // 45 s of an invocation are kept to conclude it.
    expect(await slice(second, { time: ports.clock.invocation(85_000) })).toMatchObject([
      { type: "SegmentProgressed", detail: { handoff: true, counts: { items: 2 } } },
    ]);
    expect(timesMs).toEqual([20_000]);
  });

  test("waits between its files but not after the last one, and hands off if the wait does not fit", async () => {
    const { ports, timesMs, slice } = await sliced(numbered(4), spacing);
    const startMs = ports.clock.now();
    expect(await slice()).toMatchObject([{ type: "SegmentCompleted" }]);
    expect(timesMs).toEqual([0, 60_000]);
    expect(ports.clock.now() - startMs).toBe(60_000);
    for (const [sliceBudgetMs, type] of [
      [60_000, "SegmentProgressed"],
      [60_001, "SegmentCompleted"],
    ]) {
      const settings = { ...spacing.settings, sliceBudgetMs: sliceBudgetMs as number };
      const other = await sliced(numbered(4), { ...spacing, settings });
      const fromMs = other.ports.clock.now();
      expect(await other.slice()).toMatchObject([{ type }]);
      expect(other.ports.clock.now() - fromMs).toBe(type === "SegmentCompleted" ? 60_000 : 0);
    }
  });

  test("of files without lines makes no call", async () => {
    const { calls, slice } = await sliced([]);
    expect(await slice()).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { items: 0, batches: 1 } } },
    ]);
    expect(calls).toEqual([]);
  });

  test("names the line that cannot be read, also in Ferry's own archive", async () => {
    const ports = world();
    const lines = [...numbered(27).map(itemLine), '{"Other":{}}', itemLine(item(99))];
    const made = fullExport({ bucket: bucket.name, id: "01", files: [lines] });
    const restore = { ...restoreRequest, ...one, "bucket-prefix": storeExport(ports.archive, bucket, made) };
    const [segment] = await accepted(restore, ports);
    const plan = segment!.plan as RestorePlan;
    const own = { ...segment!, plan: { ...plan, manifest: { ...plan.manifest, own: true } } };
    expect(await work(message("SegmentQueued", own), ports)).toMatchObject([
      { detail: { cause: "corrupt-file", error: { message: expect.stringContaining("holds line 28,") } } },
    ]);
  });

  test("that begins with a new file waits for the batch spacing, and writes nothing if its task ends during the wait", async () => {
    const options = { backup: { "batch-bytes": 10 }, settings: { batchSpacingMs: 60_000 } };
    const { ports, segment, calls, slice } = await sliced(numbered(2), options);
    const startMs = ports.clock.now();
    const second = { cursor: { file: 1, line: 0 }, counts: { batches: 1, items: 1, bytes: 60 } };
    const read = async () => (ports.clock.now() - startMs > 20_000 ? finishedRow(segment) : undefined);
    expect(await slice(second, { status: { ...ports.status, read } })).toEqual([]);
    expect(calls).toEqual([]);
    expect(ports.clock.now() - startMs).toBeLessThan(30_000);
    await slice(second);
    expect(calls).toEqual([1]);
    expect(ports.clock.now() - startMs).toBeGreaterThanOrEqual(80_000);
  });
});
