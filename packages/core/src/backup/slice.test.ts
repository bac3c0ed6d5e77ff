import { intercept } from "@ferry/memory/intercept";
import { memoryTables } from "@ferry/memory/tables";
import {
  accepted,
  archivedLines,
  backupRequest,
  bucket,
  message,
  sliceToEnd,
  source,
  world,
} from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import type { FerryEvent, SegmentWork } from "../events/events.ts";
import type { Codec } from "../ports.ts";
import { newTaskRow } from "../projection/status.ts";
import { defaultSettings } from "../settings/settings.ts";
import { itemsArbitrary, oddJson } from "../testing/odd-json.ts";
import { work } from "../worker.ts";

const INDEX = "backups/one/index/0000.json";
const dataKeys = (ports: ReturnType<typeof world>) =>
  ports.archive.keys(bucket).filter((key) => key.includes("/0x"));

const item = (n: number, size = 40) => `{"id":{"S":"item-${n}"},"filler":{"S":"${"x".repeat(size)}"}}`;
const line = (text: string) => `{"Item":${text}}`;
const slice = (detail: SegmentWork, ports: ReturnType<typeof world>) =>
  work(message("SegmentQueued", detail), { ...ports, time: ports.clock.invocation(900_000) });

/** A world in which each scan takes a second, so that a slice's time is up after `pagesPerSlice` pages. */
function slowWorld(items: readonly string[], pageBytes: number, pagesPerSlice: number) {
  const tables = memoryTables({ pageBytes });
  const settings = { ...defaultSettings, sliceBudgetMs: pagesPerSlice * 1000 };
  const ports = world({ tables, settings });
  tables.put(source, ...items);
  return {
    ...ports,
    tables: intercept("tables", tables, ["scan"], async (_, run) => {
      ports.clock.advance(1000);
      return run();
    }),
  };
}

describe("a slice", () => {
  test("given a table, then the chain holds exactly its items, byte for byte, and has an end mark", async () => {
    await fc.assert(
      fc.asyncProperty(
        itemsArbitrary(12).chain((items) => fc.tuple(...items.map((one) => oddJson(fc.constant(one))))),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 50, max: 500 }),
        fc.integer({ min: 1, max: 3 }),
        async (items, batchBytes, pageBytes, pagesPerSlice) => {
          const texts = items.map(({ text }) => text.trim());
          const ports = slowWorld(texts, pageBytes, pagesPerSlice);
          const [segment] = await accepted(
            { ...backupRequest, "total-segments": 1, "batch-bytes": batchBytes },
            ports,
          );
          const { event } = await sliceToEnd(segment!, ports);
          const files = await archivedLines(ports);
          expect(files.flat().sort()).toEqual(texts.map((text) => line(text.replace(/[\r\n]/g, " "))).sort());
          // Only the last file may be empty.
          expect(files.slice(0, -1).every((lines) => lines.length > 0)).toBe(true);
          const bytes = files
            .flat()
            .reduce((sum, text) => sum + new TextEncoder().encode(`${text}\n`).length, 0);
          expect(event).toMatchObject({
            type: "SegmentCompleted",
            detail: { counts: { batches: files.length, items: texts.length, bytes } },
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test("given an empty segment, then it puts one empty file with an end mark", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    expect(await slice(segment!, ports)).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { batches: 1, items: 0, bytes: 0 } } },
    ]);
    const head = await ports.archive.head(bucket, "backups/one/0x0000/0x00000000.json.gz");
    expect(head?.metadata).toMatchObject({ end: "true", items: "0", bytes: "0", "request-id": "request-1" });
    expect(await archivedLines(ports)).toEqual([[]]);
  });

  test("given an item larger than a batch, then it gets its own file", async () => {
    const ports = world();
    ports.tables.put(source, item(1), item(2, 5000), item(3));
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1, "batch-bytes": 60 }, ports);
    await slice(segment!, ports);
    const files = await archivedLines(ports);
    expect(files.map((lines) => lines.length)).toEqual([1, 1, 1]);
  });

  test("given time for one page, then it hands off after the stored files and its successor continues", async () => {
    const ports = slowWorld(
      [1, 2, 3, 4, 5, 6].map((n) => item(n)),
      150,
      1,
    );
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const [first] = await slice(segment!, ports);
    expect(first).toMatchObject({
      type: "SegmentProgressed",
      detail: { handoff: true, "handoffs-without-progress": 0 },
    });
    const { usage } = first!.detail as SegmentWork;
    expect(usage).toMatchObject({ units: expect.any(Number), throttles: 0 });
    expect(usage!.units).toBeGreaterThan(0);
    expect(usage!.ms).toBeGreaterThan(0);
    const { event, slices } = await sliceToEnd(segment!, ports);
    expect(slices).toBeGreaterThan(1);
    expect(event).toMatchObject({
      type: "SegmentCompleted",
      detail: { counts: { items: 6 }, handoffs: slices - 1 },
    });
    // Each slice adds to what the slices before it used.
    expect((event!.detail as SegmentWork).usage!.units).toBeGreaterThan(usage!.units);
  });

  test("given two or three workers on one segment, each with its own largest compressed size, and a table that changes, then each unchanged item is stored once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 2, maxLength: 3 }),
        fc.integer({ min: 60, max: 300 }),
        fc.integer({ min: 100, max: 400 }),
        fc.array(fc.tuple(fc.boolean(), fc.nat(7)), { maxLength: 6 }),
        async (s, compressedBytesOfWorkers, batchBytes, pageBytes, changes) => {
          const ports = slowWorld([], pageBytes, 3);
          const lasting = [0, 2, 4, 6].map((n) => item(n));
          ports.tables.put(source, ...lasting, item(1), item(3));
          const [segment] = await accepted(
            // The codec in memory holds nothing of zstd back.
            { ...backupRequest, "total-segments": 1, "batch-bytes": batchBytes, compression: "zstd" },
            ports,
          );
          const scheduled = {
            ...ports,
            // Claims are disabled, so that all workers of the redelivered message work on the slice.
            claims: {
              ...ports.claims,
              claim: async () => ({ outcome: "claimed" }) as const,
            },
            tables: intercept("tables", ports.tables, ["scan"], async (_, run) => s.schedule(run())),
            archive: intercept(
              "archive",
              ports.archive,
              ["putNew", "head", "get", "list"],
              async (call, run) => {
                await s.schedule(Promise.resolve(), call.method);
                return run();
              },
            ),
          };
          const all = compressedBytesOfWorkers.map((maximumCompressedFileBytes) =>
            sliceToEnd(segment!, {
              ...scheduled,
              settings: { ...scheduled.settings, maximumCompressedFileBytes },
            }),
          );
          for (const [present, n] of changes) {
            const id = { id: { S: `item-${2 * (n % 4) + 1}` } };
            void s
              .schedule(Promise.resolve(), "the application")
              .then(() =>
                present ? ports.tables.put(source, item(2 * (n % 4) + 1)) : ports.tables.remove(source, id),
              );
          }
          await s.waitFor(Promise.all(all));
          const ends = await Promise.all(all);
          const lines = (await archivedLines(ports)).flat();
          expect(new Set(lines).size).toBe(lines.length);
          expect(lines).toEqual(expect.arrayContaining(lasting.map(line)));
          // All workers of a segment report the same counts.
          for (const { event } of ends)
            expect(event).toMatchObject({
              type: "SegmentCompleted",
              detail: { counts: { items: lines.length } },
            });
          const heads = await Promise.all(
            ports.archive
              .keys(bucket)
              .filter((key) => key.includes("/0x"))
              .map((key) => ports.archive.head(bucket, key)),
          );
          expect(heads.map((head) => head?.metadata["end"]).filter(Boolean)).toEqual(["true"]);
          expect(heads.at(-1)?.metadata["end"]).toBe("true");
        },
      ),
      { numRuns: 50 },
    );
  });

  test("given files that another worker put, then it continues after their last item", async () => {
    const ports = slowWorld(
      [1, 2, 3, 4, 5, 6].map((n) => item(n)),
      150,
      1,
    );
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const [handedOff] = await slice(segment!, ports);
    const scans: unknown[] = [];
    const watched = {
      ...ports,
      tables: intercept("tables", ports.tables, ["scan"], (call, run) => {
        scans.push((call.args[0] as { after?: unknown }).after);
        return run();
      }),
    };
    // The first message again, whose cursor is at the start.
    await slice(segment!, watched);
    expect(scans[0]).toEqual((handedOff!.detail as { cursor: { after: unknown } }).cursor.after);
    expect(scans[0]).toBeDefined();
  });

  test("given a file of another request in the chain, then it fails, and the error names the file", async () => {
    const ports = world();
    ports.tables.put(source, item(1));
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const key = "backups/one/0x0000/0x00000000.json.gz";
    ports.archive.store(bucket, key, new Uint8Array(1), {
      "request-id": "request-9",
      items: "0",
      bytes: "0",
    });
    expect(await slice(segment!, ports)).toMatchObject([
      {
        type: "SegmentFailed",
        detail: { cause: "foreign-file", error: { resource: `s3://archives/${key}` }, work: { segment: 0 } },
      },
    ]);
  });

  test.each([
    ["a gap", "backups/one/0x0000/0x00000001.json.gz"],
    ["an unknown object", "backups/one/0x0000/notes.txt"],
  ])("given %s in the chain, then it fails", async (_, key) => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    ports.archive.store(bucket, key, new Uint8Array(1), {
      "request-id": "request-1",
      items: "0",
      bytes: "0",
    });
    expect(await slice(segment!, ports)).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "broken-chain" } },
    ]);
  });

  test("given a file after the segment's last one, then it fails", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await slice(segment!, ports);
    const metadata = { "request-id": "request-1", items: "0", bytes: "0", end: "true" };
    ports.archive.store(bucket, "backups/one/0x0000/0x00000001.json.gz", new Uint8Array(1), metadata);
    expect(await slice(segment!, ports)).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "broken-chain" } },
    ]);
  });

  test("given a cancel while it works, then it fails as cancelled at its next check, with no call in flight", async () => {
    const settings = { ...defaultSettings, progressIntervalMs: 1000 };
    const plain = world({ settings, tables: memoryTables({ pageBytes: 60 }) });
    plain.tables.put(source, ...Array.from({ length: 20 }, (_, n) => item(n)));
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, plain);
    let scans = 0;
    let inFlight = 0;
    const tables = intercept("tables", plain.tables, ["scan"], async (_, run) => {
      inFlight++;
      if (++scans === 3) {
        const row = {
          ...newTaskRow(segment!.task, "2026-11-01T02:00:00Z"),
          accepted: true,
          total: 1,
          cancelledAttempt: 1,
        };
        await plain.status.write(row, undefined);
      }
      await plain.clock.sleep(600);
      inFlight--;
      return run();
    });
    expect(await slice(segment!, { ...plain, tables })).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "cancelled" } },
    ]);
    expect(scans).toBeLessThan(10);
    expect(inFlight).toBe(0);
  });

  test("given a file whose bytes were changed, then it fails instead of continuing from it", async () => {
    const ports = slowWorld(
      [1, 2, 3, 4, 5, 6].map((n) => item(n)),
      150,
      1,
    );
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await slice(segment!, ports);
    const key = "backups/one/0x0000/0x00000000.json.gz";
    const stored = await ports.archive.get(bucket, key);
    ports.archive.store(
      bucket,
      key,
      stored!.body.map((byte, i) => (i === 12 ? byte ^ 1 : byte)),
      stored!.head.metadata,
    );
    expect(await slice(segment!, ports)).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "corrupt-file" } },
    ]);
  });

  test("given continuous throttling, then it hands off, and the handoff does not count as one without progress", async () => {
    const throttled = memoryTables({ faults: { scan: () => "throttled" } });
    const ports = world({ tables: throttled });
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const idle = { ...segment!, "handoffs-without-progress": 7 };
    expect(await slice(idle, ports)).toMatchObject([
      { type: "SegmentProgressed", detail: { handoff: true, "handoffs-without-progress": 7 } },
    ]);
    const [handoff] = await slice({ ...idle, usage: { units: 5, throttles: 1000, ms: 60_000 } }, ports);
    const { usage } = handoff!.detail as SegmentWork;
    expect(usage!.units).toBe(5);
    expect(usage!.throttles).toBeGreaterThan(1000);
    expect(usage!.ms).toBeGreaterThan(60_000);
  });

  test("given handoffs without progress and without throttling, then it fails after the maximum", async () => {
    const ports = world({
      settings: { ...defaultSettings, sliceBudgetMs: 0, maxHandoffsWithoutProgress: 3 },
    });
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    const { event, slices } = await sliceToEnd(segment!, ports);
    expect(slices).toBe(4);
    expect(event).toMatchObject({ type: "SegmentFailed", detail: { cause: "no-progress" } });
  });

  test.each([
    ["longer than a slice", 30_000, 900_000, 0, 60_000],
    ["longer than the rest of the invocation", 30_000, 100_000, 50_000, 50_000],
  ])(
    "given a batch spacing %s, then no worker waits past the end of its invocation",
    async (_, sliceBudgetMs, invocationMs, scanMs, leastMs) => {
      const settings = { ...defaultSettings, batchSpacingMs: 60_000, sliceBudgetMs };
      const plain = world({ settings, tables: memoryTables({ pageBytes: 60 }) });
      plain.tables.put(source, ...[1, 2, 3].map((n) => item(n)));
      const putTimesMs: number[] = [];
      const ports = {
        ...plain,
        tables: intercept("tables", plain.tables, ["scan"], async (_, run) => {
          plain.clock.advance(scanMs);
          return run();
        }),
        archive: intercept("archive", plain.archive, ["putNew"], async (call, run) => {
          if (String(call.args[1]).includes("/0x")) putTimesMs.push(plain.clock.now());
          return run();
        }),
      };
      const [segment] = await accepted({ ...backupRequest, "total-segments": 1, "batch-bytes": 60 }, ports);
      let event: FerryEvent | undefined;
      for (let detail = segment!; event?.type !== "SegmentCompleted"; detail = event!.detail as SegmentWork) {
        const time = ports.clock.invocation(invocationMs);
        [event] = await work(message("SegmentQueued", detail), { ...ports, time });
        expect(time.remainingMs()).toBeGreaterThan(0);
      }
      const gapsMs = putTimesMs.slice(1).map((at, i) => at - putTimesMs[i]!);
      expect(gapsMs.length).toBeGreaterThan(1);
      expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(leastMs);
    },
  );

  test("given a read ceiling, then the scans keep to it", async () => {
    const ports = world({ tables: memoryTables({ pageBytes: 4096 }) });
    ports.tables.put(source, ...Array.from({ length: 40 }, (_, n) => item(n, 4000)));
    // An item is half a unit: 40 of them at 4 units a second take five seconds.
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1, "read-units": 4 }, ports);
    const before = ports.clock.now();
    const { event } = await sliceToEnd(segment!, ports);
    expect(event?.type).toBe("SegmentCompleted");
    expect(ports.clock.now() - before).toBeGreaterThan(5_000);
  });
});

describe("a slice reads the task's row", () => {
  const row = (task: SegmentWork["task"], change: object) => ({
    ...newTaskRow(task, "2026-11-01T02:00:00Z"),
    accepted: true,
    total: 1,
    ...change,
  });

  test("given a cancelled attempt, then it fails as cancelled, unless the segment is complete", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.status.write(row(segment!.task, { cancelledAttempt: 1 }), undefined);
    expect(await slice(segment!, ports)).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "cancelled" } },
    ]);
    // The next attempt was not cancelled.
    const next = { ...segment!, attempt: 2 };
    expect(await slice(next, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
    await ports.status.write(row(segment!.task, { rev: 2, attempt: 2, cancelledAttempt: 2 }), 1);
    expect(await slice(next, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("given an ended task, then it does nothing; given one that ended in an earlier attempt, then it works", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.status.write(row(segment!.task, { failed: { 0: 1 } }), undefined);
    expect(await slice(segment!, ports)).toEqual([]);
    expect(await slice({ ...segment!, attempt: 2 }, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("given a rejected request that another delivery accepted later, then it works", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.status.write(row(segment!.task, { accepted: false, rejected: true }), undefined);
    expect(await slice(segment!, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("given a row of another task, then it ignores the row", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    await ports.status.write(
      row({ ...segment!.task, id: `${segment!.task.id}0` }, { cancelledAttempt: 1 }),
      undefined,
    );
    expect(await slice(segment!, ports)).toMatchObject([{ type: "SegmentCompleted" }]);
  });

  test("given a passed deadline, then it fails as deadline-exceeded", async () => {
    const ports = world();
    const [segment] = await accepted({ ...backupRequest, "total-segments": 1 }, ports);
    expect(await slice({ ...segment!, "deadline-ms": ports.clock.now() }, ports)).toMatchObject([
      { type: "SegmentFailed", detail: { cause: "deadline-exceeded" } },
    ]);
  });
});

describe("a slice", () => {
  const one = { ...backupRequest, "total-segments": 1, "batch-bytes": 100 };
  const denied = permanent("access-denied", { operation: "Scan", resource: "t", message: "no", hint: "" });
  const ofItems = (count: number, pageBytes = 60) => {
    const ports = world({ tables: memoryTables({ pageBytes }) });
    ports.tables.put(source, ...Array.from({ length: count }, (_, n) => item(n)));
    return ports;
  };
  /** The ports with a table that refuses the `nth` scan, counted from 1. */
  const refusing = (ports: ReturnType<typeof world>, nth: number) => {
    let scans = 0;
    const tables = intercept("tables", ports.tables, ["scan"], (_, run) =>
      ++scans === nth ? Promise.reject(denied) : run(),
    );
    return { ...ports, tables };
  };

  test("reports its progress at most once an interval", async () => {
    const plain = ofItems(8);
    const settings = { ...defaultSettings, progressIntervalMs: 2500 };
    const tables = intercept("tables", plain.tables, ["scan"], (_, run) => {
      plain.clock.advance(1000);
      return run();
    });
    const [segment] = await accepted(one, plain);
    plain.bus.events.length = 0;
    await slice(segment!, { ...plain, tables, settings });
    const reports = plain.bus.events.map(({ type, detail }) => {
      const { cursor, counts, handoff } = detail as SegmentWork & { handoff: boolean };
      return { type, batch: (cursor as { batch: number }).batch, batches: counts.batches, handoff };
    });
    expect(reports.length).toBeGreaterThan(1);
    expect(reports.length).toBeLessThanOrEqual(4);
    for (const { type, batch, batches, handoff } of reports)
      expect([type, handoff, batches]).toEqual(["SegmentProgressed", false, batch]);
    expect(reports.at(-1)!.batch).toBeGreaterThan(reports[0]!.batch);
  });

  test("of a task with many segments reports less often: all segments together at most twice a second", async () => {
    const settings = { ...defaultSettings, progressIntervalMs: 1000 };
    const reports = async (totalSegments: number) => {
      const plain = ofItems(20 * totalSegments);
      const tables = intercept("tables", plain.tables, ["scan"], (_, run) => {
        plain.clock.advance(1000);
        return run();
      });
      const [segment] = await accepted({ ...one, "total-segments": totalSegments }, plain);
      plain.bus.events.length = 0;
      await slice(segment!, { ...plain, tables, settings });
      return plain.bus.events.length;
    };
    expect(await reports(2)).toBeGreaterThan(2);
    expect(await reports(60)).toBe(0);
  });

  test("that fails reports the position after its stored files, and discards its open file", async () => {
    const ports = ofItems(8);
    const [segment] = await accepted(one, ports);
    let discarded = 0;
    const codec = {
      ...ports.codec,
      compress(...args: Parameters<Codec["compress"]>) {
        const { discard, ...compressor } = ports.codec.compress(...args);
        const countingDiscard = () => {
          discarded++;
          discard();
        };
        return { ...compressor, discard: countingDiscard };
      },
    };
    const [event] = await slice(segment!, { ...refusing(ports, 4), codec });
    const { work: left, cause } = event!.detail as { work: SegmentWork; cause: string };
    expect(cause).toBe("access-denied");
    expect(left.cursor).toEqual({ batch: 1, after: { id: { S: expect.any(String) } } });
    expect(left.counts).toMatchObject({ batches: 1, items: 2 });
    expect(discarded).toBe(1);
    // A successor that fails at its first scan reports the same position.
    const [again] = await slice({ ...segment!, attempt: 2 }, refusing(ports, 1));
    expect(again).toMatchObject({ detail: { work: { cursor: left.cursor, counts: left.counts } } });
  });

  test("that fails before it stores a file reports the segment's start", async () => {
    const ports = ofItems(0);
    const [segment] = await accepted(one, ports);
    const [event] = await slice(segment!, refusing(ports, 1));
    expect((event!.detail as { work: SegmentWork }).work.cursor).toStrictEqual({ batch: 0 });
  });

  test.each([
    ["before its first page, without reading", 1, 0],
    ["while it reads, so that its segment is not complete", 2, 1],
  ])("fails if the table was created again %s", async (_, nth, least) => {
    const ports = ofItems(2);
    const [segment] = await accepted(one, ports);
    let identifies = 0;
    let scans = 0;
    const tables = intercept("tables", ports.tables, ["identify", "scan"], ({ method }, run) => {
      if (method === "scan") scans++;
      else if (++identifies === nth) return Promise.resolve("another");
      return run();
    });
    const [event] = await slice(segment!, { ...ports, tables });
    expect(event).toMatchObject({ type: "SegmentFailed", detail: { cause: "table-replaced" } });
    expect(scans > 0).toBe(least > 0);
    // The last file may be stored: a successor must find its end mark, so its cursor must be before that file.
    const { cursor } = (event!.detail as { work: SegmentWork }).work;
    expect((cursor as { batch: number }).batch).toBeLessThan(ports.archive.keys(bucket).length);
    if (nth === 2) {
      // The next attempt finds the segment complete, and fails in the same way.
      identifies = 1;
      const [late] = await slice({ ...segment!, attempt: 2 }, { ...ports, tables });
      expect(late).toMatchObject({ detail: { cause: "table-replaced", work: { cursor: { batch: 0 } } } });
    }
  });

  test.each([
    ["reads a file that is not full", 100_000, 0, 2500],
    ["puts its files", 100, 0, 2500],
    ["waits for the time of its last file", 100_000, 60_000, 20_000],
  ])(
    "whose task ends while it %s puts nothing more, and returns no event",
    async (_, bytes, spacingMs, endsMs) => {
      const ports = ofItems(5);
      const [segment] = await accepted({ ...one, "batch-bytes": bytes }, ports);
      const settings = {
        ...defaultSettings,
        cancelPollIntervalMs: 1000,
        sliceBudgetMs: 3000,
        batchSpacingMs: spacingMs,
      };
      const tables = intercept("tables", ports.tables, ["scan"], (_call, run) => {
        ports.clock.advance(1000);
        return run();
      });
      // One file is stored, so that the next one has to wait for the batch spacing.
      await slice(segment!, {
        ...ports,
        tables,
        settings: { ...settings, sliceBudgetMs: 1, batchSpacingMs: 0 },
      });
      const startMs = ports.clock.now();
      const ended = {
        ...newTaskRow(segment!.task, "2026-11-01T02:00:00Z"),
        accepted: true,
        finished: true,
        total: 1,
      };
      const read = async () => (ports.clock.now() - startMs > endsMs ? ended : undefined);
      const putsMs: number[] = [];
      const archive = intercept("archive", ports.archive, ["putNew"], (_call, run) => {
        putsMs.push(ports.clock.now() - startMs);
        return run();
      });
      expect(
        await slice(segment!, { ...ports, tables, settings, archive, status: { ...ports.status, read } }),
      ).toEqual([]);
      for (const atMs of putsMs) expect(atMs).toBeLessThanOrEqual(endsMs + 1000);
      expect(ports.clock.now() - startMs).toBeLessThan(endsMs + 3000);
    },
  );

  test("that has put its last file is complete even if its task is cancelled at that moment", async () => {
    const ports = ofItems(2);
    const [segment] = await accepted(one, ports);
    const cancelled = {
      ...newTaskRow(segment!.task, "2026-11-01T02:00:00Z"),
      accepted: true,
      cancelledAttempt: 1,
    };
    let ended = false;
    const read = async () => (ended ? cancelled : undefined);
    const archive = intercept("archive", ports.archive, ["putNew"], async ({ args }, run) => {
      const put = await run();
      ended ||= (args[3] as { metadata: Record<string, string> }).metadata["end"] === "true";
      ports.clock.advance(60_000);
      return put;
    });
    expect(await slice(segment!, { ...ports, archive, status: { ...ports.status, read } })).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { items: 2 } } },
    ]);
    expect(ended).toBe(true);
  });

  test("that continues lists its chain after the files that its message counts", async () => {
    const ports = ofItems(6);
    const [segment] = await accepted(one, ports);
    const settings = { ...defaultSettings, sliceBudgetMs: 2500 };
    const slow = intercept("tables", ports.tables, ["scan"], (_, run) => {
      ports.clock.advance(1000);
      return run();
    });
    const [event] = await slice(segment!, { ...ports, tables: slow, settings });
    const next = event!.detail as SegmentWork;
    expect(next.counts.batches).toBeGreaterThan(0);
    const lists: unknown[] = [];
    const archive = intercept("archive", ports.archive, ["list"], ({ args }, run) => {
      lists.push(args[2]);
      return run();
    });
    await slice(next, { ...ports, archive });
    expect(lists[0]).toMatchObject({ after: expect.stringMatching(/0x0000000\d/) });
  });

  test("that completes its segment puts the index of its chain before it reports it, also of files of earlier slices", async () => {
    const ports = slowWorld(
      Array.from({ length: 9 }, (_, n) => item(n)),
      200,
      2,
    );
    const [segment] = await accepted({ ...one, "batch-bytes": 100 }, ports);
    const { event, slices } = await sliceToEnd(segment!, ports);
    expect(slices).toBeGreaterThan(1);
    const { body, head } = (await ports.archive.get(bucket, INDEX))!;
    const files = new TextDecoder()
      .decode(body)
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(files.map((file) => file.dataFileS3Key)).toEqual(dataKeys(ports));
    const { counts } = event!.detail as SegmentWork;
    expect(files.reduce((sum, file) => sum + file.itemCount, 0)).toBe(counts.items);
    expect(head.metadata).toEqual({
      "request-id": "request-1",
      segments: "1",
      bytes: String(counts.bytes),
      md5: ports.codec.md5(body),
    });
  });

  test("that finds its segment complete puts a missing index, and reads no file if there is one", async () => {
    const ports = ofItems(4);
    const [segment] = await accepted(one, ports);
    await slice(segment!, ports);
    const first = await ports.archive.get(bucket, INDEX);
    ports.archive.remove(bucket, INDEX);
    const complete = { type: "SegmentCompleted", detail: { counts: { items: 4 } } };
    expect(await slice(segment!, ports)).toMatchObject([complete]);
    expect(await ports.archive.get(bucket, INDEX)).toEqual(first);
    const puts: unknown[] = [];
    const archive = intercept("archive", ports.archive, ["putNew"], ({ args }, run) => {
      puts.push(args[1]);
      return run();
    });
    expect(await slice(segment!, { ...ports, archive })).toMatchObject([complete]);
    expect(puts).toEqual([]);
  });

  test.each([
    ["of another request", { "request-id": "request-9" }, "foreign-file"],
    ["of another number of segments", { segments: "9" }, "foreign-file"],
    ["with other files", { md5: "x" }, "broken-chain"],
  ])("fails its segment if another worker has put an index %s", async (_, change, cause) => {
    const ports = ofItems(4);
    const [segment] = await accepted(one, ports);
    const metadata = { "request-id": "request-1", segments: "1", bytes: "1", md5: "m", ...change };
    ports.archive.store(bucket, INDEX, new Uint8Array(1), metadata);
    expect(await slice(segment!, ports)).toMatchObject([{ type: "SegmentFailed", detail: { cause } }]);
  });

  test("hands off before the end of its chain if there is no time to read it, and the next one completes the segment", async () => {
    const ports = ofItems(4);
    const [segment] = await accepted({ ...one, "batch-bytes": 100 }, ports);
    const archive = intercept("archive", ports.archive, ["putNew"], async ({ args }, run) => {
      const put = await run();
      const { metadata } = args[3] as { metadata: Record<string, string> };
      if (metadata["end"] === "true") ports.clock.advance(890_000);
      return put;
    });
    const [event] = await slice(segment!, { ...ports, archive });
    expect(event).toMatchObject({
      type: "SegmentProgressed",
      detail: { handoff: true, cursor: { batch: dataKeys(ports).length - 1 } },
    });
    expect(ports.archive.keys(bucket)).not.toContain(INDEX);
    expect(await slice(event!.detail as SegmentWork, ports)).toMatchObject([
      { type: "SegmentCompleted", detail: { counts: { items: 4, batches: dataKeys(ports).length } } },
    ]);
    expect(ports.archive.keys(bucket)).toContain(INDEX);
  });

  test("is repeated if its last file is gone when its index is put", async () => {
    const ports = ofItems(4);
    const [segment] = await accepted(one, ports);
    const archive = intercept("archive", ports.archive, ["putNew"], async ({ args }, run) => {
      const put = await run();
      if (String(args[1]).includes("/0x")) ports.archive.remove(bucket, String(args[1]));
      return put;
    });
    await expect(slice(segment!, { ...ports, archive })).rejects.toThrow("ended, and its last file is gone");
    expect(ports.archive.keys(bucket)).not.toContain(INDEX);
  });

  test("hands off without a key if it put nothing", async () => {
    const ports = ofItems(3);
    const [segment] = await accepted(one, ports);
    const settings = { ...defaultSettings, sliceBudgetMs: 0 };
    const [event] = await slice(segment!, { ...ports, settings });
    expect((event!.detail as SegmentWork).cursor).toStrictEqual({ batch: 0 });
  });
});
