import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { someTask } from "@ferry/memory/testing/tasks";
import { virtualClock } from "@ferry/memory/time";
import { describe, expect, test } from "vitest";
import type { RateLimiter } from "../ports.ts";
import { backoffMs, openPacer } from "./pacing.ts";

const task = someTask("us-east-1-cities");
const FOREVER_MS = 1e15;

/** A pacer on its own clock or a shared one. `neededMs`: how long the segment is needed from now, ms. */
function pacer(
  unitsPerSecond: number | undefined,
  options: { neededMs?: number; untilMs?: number; limiter?: ReturnType<typeof memoryRateLimiter> } = {},
  clock = virtualClock(),
) {
  const startMs = clock.now();
  const limiter = options.limiter ?? memoryRateLimiter();
  const isNeeded = () => clock.now() - startMs < (options.neededMs ?? FOREVER_MS);
  const check = {
    stillNeeded: async () => isNeeded(),
    async waitUntil(untilMs: number) {
      while (clock.now() < untilMs) {
        await clock.sleep(Math.min(1000, untilMs - clock.now()));
        if (!isNeeded()) return false;
      }
      return true;
    },
  };
  const untilMs = startMs + (options.untilMs ?? FOREVER_MS);
  const ports = { limiter, time: clock.invocation(FOREVER_MS), random: () => 0.5 };
  const pace = openPacer({ task, unitsPerSecond, untilMs, check }, ports);
  return { pace, limiter, clock, elapsedMs: () => clock.now() - startMs };
}

test("without a ceiling each reservation is granted at once, and a call may have any size", async () => {
  const { pace, elapsedMs } = pacer(undefined);
  for (let n = 0; n < 100; n++) expect(await pace.reserve(1000)).toBe(true);
  expect(elapsedMs()).toBe(0);
  expect(pace.callUnitsMax).toBe(Number.POSITIVE_INFINITY);
});

test.each([undefined, 100])(
  "with a ceiling of %s units, what was consumed and throttled is counted",
  async (ceiling) => {
    const { pace } = pacer(ceiling);
    await pace.reserve(10);
    pace.recordConsumption(10, 12.5);
    pace.pause(50);
    await pace.reserve(10);
    pace.recordConsumption(10, 0);
    pace.delay(50);
    expect(pace.consumed()).toEqual({ units: 12.5, throttles: 1 });
  },
);

test("concurrent reservations are granted at the rate of the ceiling", async () => {
  const { pace, elapsedMs } = pacer(100);
  const calls = Array.from({ length: 40 }, async () => {
    expect(await pace.reserve(10)).toBe(true);
    pace.recordConsumption(10, 10);
  });
  await Promise.all(calls);
  // 400 units, of which the first ten are granted at once.
  expect(elapsedMs()).toBeGreaterThan(3_900);
  expect(elapsedMs()).toBeLessThan(4_700);
});

test("units that a call consumed beyond its reservation delay the next call", async () => {
  const { pace, elapsedMs } = pacer(100);
  await pace.reserve(1);
  pace.recordConsumption(1, 501);
  await pace.reserve(1);
  expect(elapsedMs()).toBeGreaterThan(5_000);
});

test("an expired reservation is not used at the time of other workers' reservations", async () => {
  const { pace, clock, limiter } = pacer(100);
  await pace.reserve(20);
  pace.recordConsumption(20, 0);
  clock.advance(10_000);
  const other = pacer(100, { limiter }, clock);
  await other.pace.reserve(20);
  const before = clock.now();
  await pace.reserve(20);
  expect(clock.now()).toBeGreaterThan(before);
});

test("a reservation after the slice's end is refused and not kept on the timeline", async () => {
  const limiter = memoryRateLimiter();
  const clock = virtualClock();
  const now = clock.now();
  await limiter.reserve(task, { durationMs: 60_000, nowMs: now, latestMs: now });
  const { pace } = pacer(100, { untilMs: 30_000, limiter }, clock);
  expect(await pace.reserve(10)).toBe(false);
  expect(pace.wasThrottled()).toBe(true);
  expect(clock.now() - now).toBeLessThanOrEqual(30_000);
  expect(await limiter.reserve(task, { durationMs: 1, nowMs: now, latestMs: FOREVER_MS })).toBe(now + 60_000);
});

test("a segment that is no longer needed stops waiting, and its reservation is released", async () => {
  const limiter = memoryRateLimiter();
  const clock = virtualClock();
  const now = clock.now();
  await limiter.reserve(task, { durationMs: 60_000, nowMs: now, latestMs: now });
  const { pace, elapsedMs } = pacer(100, { neededMs: 5_000, limiter }, clock);
  expect(await pace.reserve(10)).toBe(false);
  expect(elapsedMs()).toBeLessThanOrEqual(6_000);
  await pace.close();
  expect(
    await limiter.reserve(task, { durationMs: 1, nowMs: now, latestMs: FOREVER_MS }),
  ).toBeLessThanOrEqual(now + 60_001);
});

test("unused units are released at the end, unless another reservation follows", async () => {
  const next = async (isFollowed: boolean) => {
    const { pace, limiter, clock } = pacer(100);
    const now = clock.now();
    const reservation = { durationMs: 100, nowMs: now, latestMs: FOREVER_MS };
    await pace.reserve(20);
    pace.recordConsumption(20, 0);
    if (isFollowed) await limiter.reserve(task, reservation);
    await pace.close();
    return (await limiter.reserve(task, reservation))! - now;
  };
  // Twenty units take a little over 200 ms.
  expect(await next(false)).toBeLessThan(5);
  expect(await next(true)).toBeGreaterThan(300);
});

test("an error of the limiter on closing is ignored, since the work is done", async () => {
  const limiter = memoryRateLimiter();
  const { pace } = pacer(100, { limiter: { ...limiter, release: () => Promise.reject(new Error("away")) } });
  await pace.reserve(20);
  pace.recordConsumption(20, 0);
  await pace.close();
});

/** A limiter that records its calls. */
function recorded(limiter: RateLimiter = memoryRateLimiter()) {
  const reserved: { durationMs: number; latestMs: number }[] = [];
  const released: { endMs: number; durationMs: number }[] = [];
  return {
    reserved,
    released,
    limiter: {
      reserve: (task, reservation) => {
        reserved.push({ durationMs: reservation.durationMs, latestMs: reservation.latestMs });
        return limiter.reserve(task, reservation);
      },
      release: (task, reservation) => {
        released.push(reservation);
        return limiter.release(task, reservation);
      },
    } satisfies RateLimiter,
  };
}

test.each([
  [0, 0, 50],
  [0, 1, 150],
  [0, 0.5, 100],
  [3, 1, 850],
  [20, 1, 10_050],
])("before try %i + 1, with the random number %d, the pause is %i ms", (tries, random, ms) => {
  expect(backoffMs(tries, () => random)).toBe(ms);
});

describe("a pause", () => {
  test.each([undefined, 100])(
    "delays the next call and counts as throttling; a delay does not (ceiling: %s)",
    async (ceiling) => {
      const { pace, elapsedMs } = pacer(ceiling);
      pace.delay(3000);
      // The longer of two delays applies.
      pace.delay(1000);
      await pace.reserve(1);
      expect(elapsedMs()).toBe(3000);
      expect(pace.wasThrottled()).toBe(false);
      pace.pause(2000);
      expect(pace.wasThrottled()).toBe(true);
      await pace.reserve(1);
      expect(elapsedMs()).toBe(5000);
    },
  );
});

// Of 100 units per second 93 are reserved, 23.25 in 250 ms.
describe("with a ceiling of 100 units per second", () => {
  test("a call may consume the units of 250 ms", () => {
    expect(pacer(100).pace.callUnitsMax).toBeCloseTo(23.25);
  });

  test("the first reservation is for its own call only, and does not count as throttling", async () => {
    const { limiter, reserved } = recorded();
    const { pace, clock } = pacer(100, { limiter, untilMs: 60_000 });
    const now = clock.now();
    await pace.reserve(10);
    expect(reserved).toEqual([{ durationMs: 108, latestMs: now + 60_000 }]);
    expect(pace.wasThrottled()).toBe(false);
    await pace.reserve(10);
    expect(pace.wasThrottled()).toBe(true);
    expect(clock.now()).toBe(now + 108);
  });

  test.each([
    // An eighth of 40 is 5: two calls.
    [40, 20, 4, 44],
    // It took 2 units in 100 ms, so it can take 5 in 250 ms: two calls.
    [800, 100, 4, 44],
    // At most the units of 250 ms: eleven calls.
    [800, 20, 22, 237],
    [800, 0, 22, 237],
    [0, 20, 2, 22],
  ])(
    "a worker that used %i units, and took 2 within %i ms, reserves %i units: %i ms",
    async (used, ms, units, durationMs) => {
      const { limiter, reserved } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      await pace.reserve(2);
      pace.recordConsumption(used, used);
      clock.advance(ms);
      await pace.reserve(2);
      expect(reserved.map((one) => one.durationMs)).toEqual([22, durationMs]);
      // All of them may be taken without another reservation.
      for (let taken = 2; taken < units; taken += 2) await pace.reserve(2);
      expect(reserved).toHaveLength(2);
      await pace.reserve(2);
      expect(reserved).toHaveLength(3);
    },
  );

  test.each([500, 10_000])(
    "units used without a reservation are reserved before the next call, also %i ms later",
    async (ms) => {
      const { limiter, reserved } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      await pace.reserve(1);
      pace.recordConsumption(1, 101);
      clock.advance(ms);
      const now = clock.now();
      await pace.reserve(1);
      expect(reserved.map((one) => one.durationMs)).toEqual([11, 1076 + 11]);
      expect(clock.now() - now).toBe(1076);
    },
  );

  test.each([
    [249, 1],
    [250, 2],
  ])(
    "an unused reservation is valid for 250 ms: after %i ms there are %i reservations",
    async (ms, reservations) => {
      const { limiter, reserved } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      await pace.reserve(20);
      pace.recordConsumption(20, 0);
      clock.advance(ms);
      await pace.reserve(20);
      expect(reserved).toHaveLength(reservations);
    },
  );

  test("units that expire during a wait are not used after it", async () => {
    const { limiter, reserved } = recorded();
    const { pace, clock } = pacer(100, { limiter });
    await pace.reserve(20);
    pace.recordConsumption(20, 0);
    await limiter.reserve(task, { durationMs: 1000, nowMs: clock.now(), latestMs: FOREVER_MS });
    await pace.reserve(21);
    pace.recordConsumption(21, 21);
    await pace.reserve(20);
    expect(reserved).toHaveLength(4);
  });

  describe("at the end", () => {
    const end = async (consumed: number, afterMs: number) => {
      const { limiter, reserved, released } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      const now = clock.now();
      await pace.reserve(20);
      pace.recordConsumption(20, consumed);
      clock.advance(afterMs);
      await pace.close();
      return { reserved: reserved.slice(1), released, now };
    };

    test("units used without a reservation are reserved, at any later time", async () => {
      const { reserved, released } = await end(120, 0);
      expect(reserved).toEqual([{ durationMs: 1076, latestMs: Number.MAX_SAFE_INTEGER }]);
      expect(released).toEqual([]);
    });

    test("nothing is reserved or released if all reserved units were used", async () => {
      const { reserved, released } = await end(20, 0);
      expect([...reserved, ...released]).toEqual([]);
    });

    test("unused units are released while they are valid", async () => {
      const { reserved, released, now } = await end(0, 249);
      expect(reserved).toEqual([]);
      expect(released).toEqual([{ endMs: now + 216, durationMs: 215 }]);
    });

    test("expired units are not released", async () => {
      const { reserved, released } = await end(0, 250);
      expect([...reserved, ...released]).toEqual([]);
    });
  });
});
