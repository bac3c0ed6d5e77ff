import { memoryRateLimiter } from "@ferry/memory/rate-limiter";
import { virtualClock } from "@ferry/memory/time";
import { describe, expect, test } from "vitest";
import { backoffMs, openPacer } from "./pacing.ts";
import type { RateLimiter } from "./ports.ts";
import { someTask } from "./testing/tasks.ts";

const task = someTask("us-east-1-cities");
const FOREVER_MS = 1e15;

/** A pacer on a clock of its own or a shared one. `stillNeeded`: until when the segment is, ms from now. */
function pacer(
  unitsPerSecond: number | undefined,
  about: { wantedMs?: number; untilMs?: number; limiter?: ReturnType<typeof memoryRateLimiter> } = {},
  clock = virtualClock(),
) {
  const startMs = clock.now();
  const limiter = about.limiter ?? memoryRateLimiter();
  const isWanted = () => clock.now() - startMs < (about.wantedMs ?? FOREVER_MS);
  const watch = {
    stillNeeded: async () => isWanted(),
    async waitUntil(untilMs: number) {
      while (clock.now() < untilMs) {
        await clock.sleep(Math.min(1000, untilMs - clock.now()));
        if (!isWanted()) return false;
      }
      return true;
    },
  };
  const untilMs = startMs + (about.untilMs ?? FOREVER_MS);
  const ports = { limiter, time: clock.invocation(FOREVER_MS), random: () => 0.5 };
  const pace = openPacer({ task, unitsPerSecond, untilMs, watch }, ports);
  return { pace, limiter, clock, elapsedMs: () => clock.now() - startMs };
}

test("without a ceiling a turn is had at once, and a call may be of any size", async () => {
  const { pace, elapsedMs } = pacer(undefined);
  for (let n = 0; n < 100; n++) expect(await pace.reserve(1000)).toBe(true);
  expect(elapsedMs()).toBe(0);
  expect(pace.callUnitsMax).toBe(Number.POSITIVE_INFINITY);
});

test("turns of a ceiling come at its pace, also when they are asked for at once", async () => {
  const { pace, elapsedMs } = pacer(100);
  const calls = Array.from({ length: 40 }, async () => {
    expect(await pace.reserve(10)).toBe(true);
    pace.recordConsumption(10, 10);
  });
  await Promise.all(calls);
  // 400 units, the first ten of them at once.
  expect(elapsedMs()).toBeGreaterThan(3_900);
  expect(elapsedMs()).toBeLessThan(4_700);
});

test("what a call consumed beyond its turn is paid before the next", async () => {
  const { pace, elapsedMs } = pacer(100);
  await pace.reserve(1);
  pace.recordConsumption(1, 501);
  await pace.reserve(1);
  expect(elapsedMs()).toBeGreaterThan(5_000);
});

test("what was booked and not used in time is not used beside others' turns", async () => {
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

test("a turn beyond the slice's end is refused, and nobody waits for it afterwards", async () => {
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

test("a turn that nobody wants any more is not waited for, and is given back", async () => {
  const limiter = memoryRateLimiter();
  const clock = virtualClock();
  const now = clock.now();
  await limiter.reserve(task, { durationMs: 60_000, nowMs: now, latestMs: now });
  const { pace, elapsedMs } = pacer(100, { wantedMs: 5_000, limiter }, clock);
  expect(await pace.reserve(10)).toBe(false);
  expect(elapsedMs()).toBeLessThanOrEqual(6_000);
  await pace.close();
  expect(
    await limiter.reserve(task, { durationMs: 1, nowMs: now, latestMs: FOREVER_MS }),
  ).toBeLessThanOrEqual(now + 60_001);
});

test("what is left at the end is given back where nobody has booked behind it, and lost where somebody has", async () => {
  const next = async (bookedBehind: boolean) => {
    const { pace, limiter, clock } = pacer(100);
    const now = clock.now();
    const asked = { durationMs: 100, nowMs: now, latestMs: FOREVER_MS };
    await pace.reserve(20);
    pace.recordConsumption(20, 0);
    if (bookedBehind) await limiter.reserve(task, asked);
    await pace.close();
    return (await limiter.reserve(task, asked))! - now;
  };
  // Twenty units are a good fifth of a second.
  expect(await next(false)).toBeLessThan(5);
  expect(await next(true)).toBeGreaterThan(300);
});

test("a limiter that fails when all is done does not undo it", async () => {
  const limiter = memoryRateLimiter();
  const { pace } = pacer(100, { limiter: { ...limiter, release: () => Promise.reject(new Error("away")) } });
  await pace.reserve(20);
  pace.recordConsumption(20, 0);
  await pace.close();
});

/** A limiter that keeps what it is asked for. */
function recorded(limiter: RateLimiter = memoryRateLimiter()) {
  const reserved: { durationMs: number; latestMs: number }[] = [];
  const released: { endMs: number; durationMs: number }[] = [];
  return {
    reserved,
    released,
    limiter: {
      reserve: (who, asked) => {
        reserved.push({ durationMs: asked.durationMs, latestMs: asked.latestMs });
        return limiter.reserve(who, asked);
      },
      release: (who, given) => {
        released.push(given);
        return limiter.release(who, given);
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
    "delays the next turn and counts as held up; a delay does not (ceiling: %s)",
    async (ceiling) => {
      const { pace, elapsedMs } = pacer(ceiling);
      pace.delay(3000);
      // The longer of two holds.
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

// A ceiling of 100 units a second: 93 are booked, 23.25 in a quarter of a second.
describe("of a ceiling of 100 units a second", () => {
  test("a call may take a quarter of a second's", () => {
    expect(pacer(100).pace.callUnitsMax).toBeCloseTo(23.25);
  });

  test("a first turn books what it is for, once, and does not count as held up", async () => {
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
    // In 100 ms it took 2, so in 250 it can take 5: two calls.
    [800, 100, 4, 44],
    // A quarter of a second's at most: eleven calls.
    [800, 20, 22, 237],
    [800, 0, 22, 237],
    [0, 20, 2, 22],
  ])(
    "one that used %i units, 2 of them within %i ms, books %i units: %i ms",
    async (used, ms, units, durationMs) => {
      const { limiter, reserved } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      await pace.reserve(2);
      pace.recordConsumption(used, used);
      clock.advance(ms);
      await pace.reserve(2);
      expect(reserved.map((one) => one.durationMs)).toEqual([22, durationMs]);
      // All of them may be taken without another booking.
      for (let taken = 2; taken < units; taken += 2) await pace.reserve(2);
      expect(reserved).toHaveLength(2);
      await pace.reserve(2);
      expect(reserved).toHaveLength(3);
    },
  );

  test.each([500, 10_000])(
    "what was used and not booked is booked before the next turn, also %i ms later",
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
    "what was booked and not used serves for 250 ms: after %i ms there are %i bookings",
    async (ms, bookings) => {
      const { limiter, reserved } = recorded();
      const { pace, clock } = pacer(100, { limiter });
      await pace.reserve(20);
      pace.recordConsumption(20, 0);
      clock.advance(ms);
      await pace.reserve(20);
      expect(reserved).toHaveLength(bookings);
    },
  );

  test("what expires while a turn is waited for is not used behind it", async () => {
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

    test("what was used and not booked is booked, however late that is", async () => {
      const { reserved, released } = await end(120, 0);
      expect(reserved).toEqual([{ durationMs: 1076, latestMs: Number.MAX_SAFE_INTEGER }]);
      expect(released).toEqual([]);
    });

    test("nothing is settled where all that was booked was used", async () => {
      const { reserved, released } = await end(20, 0);
      expect([...reserved, ...released]).toEqual([]);
    });

    test("what is left is given back while it would serve", async () => {
      const { reserved, released, now } = await end(0, 249);
      expect(reserved).toEqual([]);
      expect(released).toEqual([{ endMs: now + 216, durationMs: 215 }]);
    });

    test("what has expired is not", async () => {
      const { reserved, released } = await end(0, 250);
      expect([...reserved, ...released]).toEqual([]);
    });
  });
});
