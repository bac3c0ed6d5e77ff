import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { describe, expect, test } from "vitest";
import { FerryError } from "../errors.ts";
import type { BackupPlan } from "../events.ts";
import { TRIES_MAX } from "../pacing.ts";
import type { RateLimiter, ScanPage } from "../ports.ts";
import { backupRequest, someTask, source, world } from "../testing/tasks.ts";
import { openScanner } from "./scanner.ts";

const throttled = new FerryError("throttled", "throttled", {
  operation: "Scan",
  resource: "cities",
  message: "was throttled.",
  hint: "",
});
const key = (n: number) => ({ id: { S: `item-${n}` } });
/** A Scan's body with so many items, after which the segment goes on behind `last`. */
const body = (items: number, last?: number, units?: number) =>
  new TextEncoder().encode(
    JSON.stringify({
      Items: Array.from({ length: items }, (_, n) => key(n)),
      Count: items,
      ...(last !== undefined && { LastEvaluatedKey: key(last) }),
      ...(units !== undefined && { ConsumedCapacity: { CapacityUnits: units } }),
    }),
  );

/** A scanner on a table that answers as it is told, and what it was asked. */
function scanner(answers: (Uint8Array | Error)[], plan: object = {}, request: object = {}, after?: number) {
  const ports = world();
  const memory = memoryRateLimiter();
  const reservedMs: number[] = [];
  const releasedMs: number[] = [];
  const limiter: RateLimiter = {
    reserve: (task, asked) => {
      reservedMs.push(asked.durationMs);
      return memory.reserve(task, asked);
    },
    release: (task, given) => {
      releasedMs.push(given.durationMs);
      return memory.release(task, given);
    },
  };
  const asked: ScanPage[] = [];
  const scan = async (page: ScanPage) => {
    asked.push(page);
    const answer = answers.shift() ?? body(0);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const backupPlan = {
    task: someTask("us-east-1-cities"),
    request: { ...backupRequest, ...request },
    "total-segments": 4,
    ...plan,
  } as unknown as BackupPlan;
  const watch = {
    stillNeeded: async () => true,
    async waitUntil(ms: number) {
      if (ms > ports.clock.now()) await ports.clock.sleep(ms - ports.clock.now());
      return true;
    },
  };
  const all = { ...ports, limiter, random: () => 0.5, tables: { ...ports.tables, scan } };
  const opened = openScanner(
    backupPlan,
    3,
    after === undefined ? undefined : key(after),
    { untilMs: 1e15, watch },
    all,
  );
  return { ...opened, asked, reservedMs, releasedMs, clock: ports.clock };
}

describe("a scanner", () => {
  test("asks for the segment's pages, each after the last key of the one before", async () => {
    const { next, asked, close } = scanner([body(2, 7), body(1, 9), body(0)]);
    const pages = [await next(), await next(), await next()];
    expect(pages.map((page) => page?.items.length)).toEqual([2, 1, 0]);
    const page = { table: source, segment: 3, totalSegments: 4, consistent: false };
    expect(asked).toStrictEqual([page, { ...page, after: key(7) }, { ...page, after: key(9) }]);
    await close();
  });

  test("starts after the key that it is given, and reads consistently where the request says so", async () => {
    const { next, asked } = scanner([], {}, { "consistent-read": true }, 5);
    await next();
    expect(asked).toMatchObject([{ consistent: true, after: key(5) }]);
  });

  test("reads the next page ahead", async () => {
    const { next, asked } = scanner([body(1, 1), body(1, 2)]);
    await next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toHaveLength(2);
  });

  test("forgets what it read ahead when it is restarted", async () => {
    const { next, restart, asked } = scanner([body(1, 1), body(1, 2), body(5)]);
    await next();
    await restart(key(4));
    expect((await next())?.items).toHaveLength(5);
    expect(asked.at(-1)).toMatchObject({ after: key(4) });
  });

  test("restarts at the segment's start where nothing is stored", async () => {
    const { next, restart, asked } = scanner([body(1, 1), body(1, 2)]);
    await next();
    await restart(undefined);
    await next();
    expect(asked.at(-1)).not.toHaveProperty("after");
  });
});

describe("a page that fails", () => {
  test("for being throttled is asked for again after pauses that grow, and counts as held up", async () => {
    const { next, heldUp, clock } = scanner([throttled, throttled, throttled, body(1)]);
    const now = clock.now();
    expect((await next())?.items).toHaveLength(1);
    expect(clock.now() - now).toBe(3 * 50 + 50 * (1 + 2 + 4));
    expect(heldUp()).toBe(true);
  });

  test("for a transient error is asked for a few times, which does not count as held up", async () => {
    const away = new Error("away");
    const some = scanner([...Array.from({ length: TRIES_MAX - 1 }, () => away), body(1)]);
    expect((await some.next())?.items).toHaveLength(1);
    expect(some.heldUp()).toBe(false);
    const many = scanner(Array.from({ length: TRIES_MAX }, () => away));
    await expect(many.next()).rejects.toBe(away);
    expect(many.asked).toHaveLength(TRIES_MAX);
  });

  test("is never an unhandled error, whoever comes to fetch it, and when", async () => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", hear);
    const refused = new FerryError("permanent", "access-denied", throttled as never);
    const later = () => new Promise((resolve) => setImmediate(resolve));
    const first = scanner([refused]);
    await later();
    const ahead = scanner([body(1, 1), refused]);
    await ahead.next();
    await later();
    const restarted = scanner([body(1, 1), body(1, 2), refused]);
    await restarted.next();
    await restarted.restart(key(1));
    await later();
    process.off("unhandledRejection", hear);
    expect(unhandled).toEqual([]);
    for (const { next } of [first, ahead, restarted]) await expect(next()).rejects.toBe(refused);
  });

  test("when it is read ahead is told to whoever asks for it", async () => {
    const refused = new FerryError("permanent", "access-denied", throttled as never);
    const { next, close } = scanner([body(1, 1), refused]);
    await next();
    await new Promise((resolve) => setImmediate(resolve));
    await expect(next()).rejects.toBe(refused);
    await close();
  });
});

describe("with a ceiling of 100 units a second", () => {
  const ceiling = { "read-units": 100, "item-bytes": 4096 };

  test("a page has as many items as a turn has units for, and more once they prove to be smaller", async () => {
    const { next, asked } = scanner([body(46, 1, 11.5), body(46, 2, 11.5)], ceiling);
    await next();
    await next();
    // 23.25 units are 46 items of half a unit, then 62 of three eighths.
    expect(asked.map(({ limit }) => limit)).toEqual([46, 62]);
  });

  test("a consistent read costs twice as much", async () => {
    const { next, asked } = scanner([body(1)], ceiling, { "consistent-read": true });
    await next();
    expect(asked[0]!.limit).toBe(23);
  });

  test("a page of unknown items is one item", async () => {
    const { next, asked } = scanner([body(1)], { "read-units": 100 });
    await next();
    expect(asked[0]!.limit).toBe(1);
  });

  test("what a page consumed beyond its turn is settled when it is closed", async () => {
    const { next, close, reservedMs } = scanner([body(46, undefined, 116)], ceiling);
    await next();
    await close();
    // Its turn was of 23 units: 93 more are a second's.
    expect(reservedMs).toEqual([248, 1000]);
  });

  test("a try that was throttled consumed nothing, one whose answer was lost what was expected", async () => {
    const first = scanner([throttled, body(46, undefined, 23)], ceiling);
    await first.next();
    expect(first.reservedMs).toEqual([248]);
    const lost = scanner([new Error("away"), body(46, undefined, 23)], ceiling);
    await lost.next();
    expect(lost.reservedMs).toEqual([248, 248]);
  });
});
