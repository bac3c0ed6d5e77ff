import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { backupRequest, someTask, source, world } from "@ferry/memory/testing/tasks";
import { describe, expect, test } from "vitest";
import { FerryError } from "../errors/errors.ts";
import type { BackupPlan } from "../events/events.ts";
import { TRIES_MAX } from "../pacing/pacing.ts";
import type { RateLimiter, ScanPage } from "../ports.ts";
import { openScanner } from "./scanner.ts";

const throttled = new FerryError("throttled", "throttled", {
  operation: "Scan",
  resource: "cities",
  message: "was throttled.",
  hint: "",
});
const key = (n: number) => ({ id: { S: `item-${n}` } });
const encode = (text: string) => new TextEncoder().encode(text);
/** A Scan response with this number of items; `last`: the key after which the segment continues. */
const body = (items: number, last?: number, units?: number) =>
  encode(
    JSON.stringify({
      Items: Array.from({ length: items }, (_, n) => key(n)),
      Count: items,
      ...(last !== undefined && { LastEvaluatedKey: key(last) }),
      ...(units !== undefined && { ConsumedCapacity: { CapacityUnits: units } }),
    }),
  );

/** A scanner on a table that returns the given answers, and a record of its requests. */
function scanner(
  answers: (Uint8Array | Error | Promise<Uint8Array>)[],
  plan: object = {},
  request: object = {},
  after?: number,
  isNeeded = () => true,
) {
  const ports = world();
  const memory = memoryRateLimiter();
  const reservedMs: number[] = [];
  const releasedMs: number[] = [];
  const limiter: RateLimiter = {
    reserve: (task, options) => {
      reservedMs.push(options.durationMs);
      return memory.reserve(task, options);
    },
    release: (task, options) => {
      releasedMs.push(options.durationMs);
      return memory.release(task, options);
    },
  };
  const requests: ScanPage[] = [];
  const scan = async (page: ScanPage) => {
    requests.push(page);
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
  const check = {
    async stillNeeded() {
      // As many turns of promises as the real calls need, and more.
      for (let turns = 0; turns < 100; turns++) await undefined;
      return isNeeded();
    },
    async waitUntil(ms: number) {
      if (ms > ports.clock.now()) await ports.clock.sleep(ms - ports.clock.now());
      return true;
    },
  };
  const allPorts = { ...ports, limiter, random: () => 0.5, tables: { ...ports.tables, scan } };
  const opened = openScanner(
    backupPlan,
    3,
    after === undefined ? undefined : key(after),
    { untilMs: 1e15, check },
    allPorts,
  );
  return { ...opened, requests, reservedMs, releasedMs, clock: ports.clock };
}

describe("a scanner", () => {
  test("requests the segment's pages, each after the last key of the previous one", async () => {
    const { next, requests, close } = scanner([body(2, 7), body(1, 9), body(0)]);
    const pages = [await next(), await next(), await next()];
    expect(pages.map((page) => page?.count)).toEqual([2, 1, 0]);
    const page = { table: source, segment: 3, totalSegments: 4, consistent: false };
    expect(requests).toStrictEqual([page, { ...page, after: key(7) }, { ...page, after: key(9) }]);
    await close();
  });

  test("starts after the given key, and reads consistently if the request says so", async () => {
    const { next, requests } = scanner([], {}, { "consistent-read": true }, 5);
    await next();
    expect(requests).toMatchObject([{ consistent: true, after: key(5) }]);
  });

  test("reads the next page ahead", async () => {
    const { next, requests } = scanner([body(1, 1), body(1, 2)]);
    await next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests).toHaveLength(2);
  });

  test("has requested the next page before the page that is waited for is there", async () => {
    const { next, requests, close } = scanner([body(1, 1), body(1, 2)]);
    await next();
    expect(requests).toHaveLength(2);
    await close();
  });

  describe("if a response is not valid, which only cutting it shows,", () => {
    const invalid = encode(`{"Count":2,"Items":[],"LastEvaluatedKey":{"id":{"S":"item-1"}}}`);
    const afterOf = (requests: ScanPage[]) => requests.map((request) => request.after);

    test("has requested the page after it, and uses that page if the last key is the same", async () => {
      const { next, requests, close } = scanner([invalid, body(3), body(1, 1), body(4)]);
      expect((await next())?.count).toBe(1);
      expect((await next())?.count).toBe(3);
      expect(afterOf(requests)).toEqual([undefined, key(1), undefined]);
      await close();
    });

    test("discards the page after it if the last key is another one", async () => {
      const { next, requests, close } = scanner([invalid, body(3), body(1, 2), body(4)]);
      expect((await next())?.count).toBe(1);
      expect((await next())?.count).toBe(4);
      expect(afterOf(requests)).toEqual([undefined, key(1), undefined, key(2)]);
      await close();
    });

    test("has not requested the page after it if there is a ceiling", async () => {
      const { next, requests, close } = scanner([invalid, body(1, 2)], { "read-units": 100 });
      expect((await next())?.count).toBe(1);
      expect(afterOf(requests.slice(0, 2))).toEqual([undefined, undefined]);
      await close();
    });
  });

  test("requests no page before the one that it read ahead is waited for", async () => {
    const { next, requests, close } = scanner([body(1, 1), body(1, 2), body(1, 3)]);
    await next();
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(requests).toHaveLength(2);
    await close();
  });

  test("discards the page that it read ahead when it is restarted", async () => {
    const { next, restart, requests } = scanner([body(1, 1), body(1, 2), body(5)]);
    await next();
    await restart(key(4));
    expect((await next())?.count).toBe(5);
    expect(requests.at(-1)).toMatchObject({ after: key(4) });
  });

  test("has no page once the segment is not needed any more", async () => {
    let checks = 0;
    const { next, requests, close } = scanner(
      [body(1, 1), body(1, 2)],
      {},
      {},
      undefined,
      () => ++checks < 2,
    );
    expect((await next())?.count).toBe(1);
    expect(await next()).toBeUndefined();
    expect(requests).toHaveLength(1);
    await close();
  });

  describe("with a read in flight", () => {
    /** A scanner whose second page comes when it is released. */
    async function waiting(plan: object = {}) {
      const second = Promise.withResolvers<Uint8Array>();
      const opened = scanner([body(1, 1, 1), second.promise, body(5)], plan);
      await opened.next();
      await expect.poll(() => opened.requests.length).toBe(2);
      return { ...opened, release: () => second.resolve(body(1, 2, 100)) };
    }
    const someTurns = () => new Promise((resolve) => setImmediate(resolve));

    test("restarts when it has ended", async () => {
      const { next, restart, release, requests } = await waiting();
      const restarted = restart(key(4));
      await someTurns();
      expect(requests).toHaveLength(2);
      release();
      await restarted;
      expect((await next())?.count).toBe(5);
    });

    test("closes when it has ended and what it consumed is reserved", async () => {
      const { close, release, reservedMs } = await waiting({ "read-units": 100, "item-bytes": 4096 });
      let isClosed = false;
      const closed = close().then(() => {
        isClosed = true;
      });
      await someTurns();
      expect(isClosed).toBe(false);
      release();
      await closed;
      // 23 units were reserved for the first page, which consumed one, so that they served the second one, too. 78 more are 0.84 s.
      expect(reservedMs).toEqual([248, 839]);
    });
  });

  test("restarts at the segment's start if no key is given", async () => {
    const { next, restart, requests } = scanner([body(1, 1), body(1, 2)]);
    await next();
    await restart(undefined);
    await next();
    expect(requests.at(-1)).not.toHaveProperty("after");
  });
});

describe("a page that fails", () => {
  test("because of throttling is requested again after growing pauses, and counts as throttled", async () => {
    const { next, wasThrottled, clock } = scanner([throttled, throttled, throttled, body(1)]);
    const now = clock.now();
    expect((await next())?.count).toBe(1);
    expect(clock.now() - now).toBe(3 * 50 + 50 * (1 + 2 + 4));
    expect(wasThrottled()).toBe(true);
  });

  test("with a transient error is requested a few times, which does not count as throttled", async () => {
    const away = new Error("away");
    const some = scanner([...Array.from({ length: TRIES_MAX - 1 }, () => away), body(1)]);
    expect((await some.next())?.count).toBe(1);
    expect(some.wasThrottled()).toBe(false);
    const many = scanner(Array.from({ length: TRIES_MAX }, () => away));
    await expect(many.next()).rejects.toBe(away);
    expect(many.requests).toHaveLength(TRIES_MAX);
  });

  test("never causes an unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const record = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", record);
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
    process.off("unhandledRejection", record);
    expect(unhandled).toEqual([]);
    for (const { next } of [first, ahead, restarted]) await expect(next()).rejects.toBe(refused);
  });

  test("while it is read ahead makes the next call of `next` throw", async () => {
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

  test("a page has as many items as a reservation has units for, and more if the items prove to be smaller", async () => {
    const { next, requests } = scanner([body(46, 1, 11.5), body(46, 2, 11.5)], ceiling);
    await next();
    await next();
    // 23.25 units are 46 items of half a unit, then 62 of three eighths.
    expect(requests.map(({ limit }) => limit)).toEqual([46, 62]);
  });

  test("a consistent read costs twice as much", async () => {
    const { next, requests } = scanner([body(1)], ceiling, { "consistent-read": true });
    await next();
    expect(requests[0]!.limit).toBe(23);
  });

  test("a page has one item if the item size is unknown", async () => {
    const { next, requests } = scanner([body(1)], { "read-units": 100 });
    await next();
    expect(requests[0]!.limit).toBe(1);
  });

  test("a page after one that consumed the least is expected to consume what its JSON allows", async () => {
    const { next, requests, reservedMs } = scanner([body(1, 1, 0.5), body(4)], { "read-units": 100 });
    await next();
    await next();
    expect(requests.map(({ limit }) => limit)).toEqual([1, 4]);
    // Four items of so few bytes consume half a unit, the least.
    expect(reservedMs).toEqual([6, 6]);
  });

  test("consumption beyond a reservation is settled on close", async () => {
    const { next, close, reservedMs } = scanner([body(46, undefined, 116)], ceiling);
    await next();
    await close();
    // The reservation was 23 units; 93 more are the ceiling of one second.
    expect(reservedMs).toEqual([248, 1000]);
  });

  test("a throttled try is charged nothing; one whose response was lost is charged as expected", async () => {
    const first = scanner([throttled, body(46, undefined, 23)], ceiling);
    await first.next();
    expect(first.reservedMs).toEqual([248]);
    const lost = scanner([new Error("away"), body(46, undefined, 23)], ceiling);
    await lost.next();
    expect(lost.reservedMs).toEqual([248, 248]);
  });
});
