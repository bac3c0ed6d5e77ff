import { intercept } from "@ferry/memory/intercept";
import { memoryTables } from "@ferry/memory/tables";
import { destination, someTask, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { permanent } from "../errors/errors.ts";
import type { CountProgress, RestorePlan } from "../events/events.ts";
import type { ScanPage } from "../ports.ts";
import { defaultSettings } from "../settings/settings.ts";
import { beginCount, countOn, isCounted } from "./count.ts";

const MIB = 1024 * 1024;
const plan = (units?: number) =>
  ({
    task: someTask("k", "restore"),
    request: { "table-region": destination.region, "table-name": destination.name },
    ...(units !== undefined && { "count-units": units }),
  }) as unknown as RestorePlan;

/** A world whose table has this number of items of 100 bytes, on pages of 1000 bytes; `visit` wraps each count call. */
function counting(
  items: number,
  visit: (page: ScanPage, run: () => Promise<unknown>) => Promise<unknown> = (_, run) => run(),
  settings = defaultSettings,
) {
  const tables = memoryTables({ pageBytes: 1000 });
  const ports = world({ tables, settings });
  const filler = "x".repeat(70);
  tables.put(
    destination,
    ...Array.from({ length: items }, (_, n) => `{"id":{"S":"${n}"},"x":{"S":"${filler}"}}`),
  );
  const pages: ScanPage[] = [];
  return {
    pages,
    ports: {
      ...ports,
      tables: intercept("tables", tables, ["count"], ({ args }, run) => {
        pages.push(args[0] as ScanPage);
        return visit(args[0] as ScanPage, run);
      }),
    },
  };
}

describe("a count", () => {
  test.each([
    [0, 1],
    [1, 1],
    [64 * MIB, 1],
    [64 * MIB + 1, 2],
    [64 * MIB * 5_000_000, 1_000_000],
  ])("of a table of %i bytes has %i segments", (bytes, segments) => {
    expect(beginCount(bytes)).toEqual({ items: 0, segments, next: 0, open: [], idle: 0 });
  });

  test.each([
    ["every segment was started and none is open", {}, true],
    ["a segment was not started", { next: 3 }, false],
    ["a segment is open", { open: [{ segment: 1 }] }, false],
  ])("in which %s is complete: %j gives %s", (_, change, ended) => {
    expect(isCounted({ items: 9, segments: 4, next: 4, open: [], idle: 0, ...change })).toBe(ended);
  });

  test("reads every page of every segment once, consistently, with eight concurrent segments", async () => {
    let inFlight = 0;
    let inFlightMax = 0;
    const { ports, pages } = counting(400, async (_, run) => {
      inFlightMax = Math.max(inFlightMax, ++inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight--;
      return run();
    });
    const counted = await countOn(plan(), beginCount(64 * MIB * 20), 100, ports);
    expect(counted).toEqual({ items: 400, segments: 20, next: 20, open: [], idle: 0 });
    expect(inFlightMax).toBe(8);
    expect(new Set(pages.map(({ segment }) => segment)).size).toBe(20);
    for (const { segment, after, ...page } of pages) {
      expect(page).toStrictEqual({ table: destination, totalSegments: 20, consistent: true });
      expect(after === undefined || "id" in after).toBe(true);
    }
    expect(new Set(pages.map((page) => JSON.stringify(page))).size).toBe(pages.length);
  });

  test("stops when the time is up and continues later, so that each item is counted once", async () => {
    const { ports, pages } = counting(300, async (_, run) => {
      ports.clock.advance(20_000);
      return run();
    });
    let progress: CountProgress = beginCount(64 * MIB * 12);
    let invocations = 0;
    for (; !isCounted(progress); invocations++) {
      const before = progress;
      progress = await countOn(plan(), progress, 100, { ...ports, time: ports.clock.invocation(900_000) });
      expect(progress.idle).toBe(0);
      expect(progress.items).toBeGreaterThan(before.items);
    }
    expect(invocations).toBeGreaterThan(2);
    expect(progress.items).toBe(300);
    expect(new Set(pages.map((page) => JSON.stringify(page))).size).toBe(pages.length);
  });

  test("continues open segments after the pages that were counted", async () => {
    const { ports, pages } = counting(50);
    const first = await ports.tables.count({
      table: destination,
      segment: 0,
      totalSegments: 1,
      consistent: true,
      limit: 20,
    });
    pages.length = 0;
    const from = {
      items: first.items,
      segments: 1,
      next: 1,
      open: [{ segment: 0, after: first.after! }],
      idle: 3,
    };
    expect(await countOn(plan(), from, 100, ports)).toEqual({ ...from, items: 50, open: [], idle: 0 });
    expect(pages[0]!.after).toEqual(first.after);
  });

  test("keeps open segments that it did not read, and counts invocations without progress", async () => {
    const { ports } = counting(50);
    const open = Array.from({ length: 10 }, (_, segment) => ({ segment }));
    const from = { items: 7, segments: 12, next: 10, open, idle: 4 };
    const expired = { ...ports, time: ports.clock.invocation(0) };
    const counted = await countOn(plan(), from, 100, expired);
    expect(counted).toMatchObject({ items: 7, segments: 12, next: 10, idle: 5 });
    expect(counted.open.map(({ segment }) => segment).toSorted((a, b) => a - b)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
  });

  test("fails after more invocations without progress than the setting allows", async () => {
    const { ports } = counting(50);
    const expired = { ...ports, time: ports.clock.invocation(0) };
    const from = { ...beginCount(0), idle: defaultSettings.maxHandoffsWithoutProgress - 1 };
    const last = await countOn(plan(), from, 100, expired);
    expect(last.idle).toBe(defaultSettings.maxHandoffsWithoutProgress);
    await expect(countOn(plan(), last, 100, expired)).rejects.toMatchObject({
      kind: "permanent",
      code: "no-progress",
      operation: "count items",
      resource: "table copies in eu-west-1",
      message: "The table copies in eu-west-1 throttled every read: 11 invocations in a row counted nothing.",
      hint: expect.stringContaining("TaskRetryRequested"),
    });
  });

  test("that fails throws only after all reads have ended, and settles with the ceiling", async () => {
    const denied = permanent("access-denied", { operation: "Scan", resource: "", message: "", hint: "" });
    let inFlight = 0;
    let released = 0;
    const { ports } = counting(400, async ({ segment }, run) => {
      if (segment === 2) throw denied;
      inFlight++;
      await ports.clock.sleep(10);
      inFlight--;
      return run();
    });
    const limiter = intercept("limiter", ports.limiter, ["release"], (_, run) => {
      released++;
      return run();
    });
    const counted = countOn(plan(100), beginCount(64 * MIB * 20), 100, { ...ports, limiter });
    await expect(counted).rejects.toBe(denied);
    expect(inFlight).toBe(0);
    expect(released).toBe(1);
  });

  test("with a ceiling keeps to it with limited pages, and never sleeps for 0 ms", async () => {
    const { ports, pages } = counting(400);
    const sleepsMs: number[] = [];
    const time = intercept("time", ports.time, ["sleep"], (call, run) => {
      sleepsMs.push(call.args[0] as number);
      return run();
    });
    const startMs = ports.clock.now();
    const counted = await countOn(plan(4), beginCount(0), 4096, { ...ports, time });
    expect(counted.items).toBe(400);
    // A page consumes at least one unit.
    expect(ports.clock.now() - startMs).toBeGreaterThan(((pages.length - 10) / 4) * 1000);
    expect(pages[0]!.limit).toBe(1);
    expect(Math.min(...sleepsMs)).toBeGreaterThan(0);
  });
});
