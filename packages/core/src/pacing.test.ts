import { memoryRateLimiter } from "@ferry/simulation/memory/rate-limiter";
import { virtualClock } from "@ferry/simulation/memory/time";
import { expect, test } from "vitest";
import { openPacer } from "./pacing.ts";
import { taskRef } from "./task.ts";

const task = taskRef("backup", "us-east-1-cities", 1_700_000_000_000, "r-1");
const FOREVER_MS = 1e15;

/** A pacer on a clock of its own or a shared one. `wanted`: until when the segment is, ms from now. */
function pacer(
  unitsPerSecond: number | undefined,
  about: { wantedMs?: number; untilMs?: number; limiter?: ReturnType<typeof memoryRateLimiter> } = {},
  clock = virtualClock(),
) {
  const startMs = clock.now();
  const limiter = about.limiter ?? memoryRateLimiter();
  const isWanted = () => clock.now() - startMs < (about.wantedMs ?? FOREVER_MS);
  const watch = {
    wanted: async () => isWanted(),
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
  for (let n = 0; n < 100; n++) expect(await pace.turn(1000)).toBe(true);
  expect(elapsedMs()).toBe(0);
  expect(pace.callUnitsMax).toBe(Number.POSITIVE_INFINITY);
});

test("turns of a ceiling come at its pace, also when they are asked for at once", async () => {
  const { pace, elapsedMs } = pacer(100);
  const calls = Array.from({ length: 40 }, async () => {
    expect(await pace.turn(10)).toBe(true);
    pace.spent(10, 10);
  });
  await Promise.all(calls);
  // 400 units, the first ten of them at once.
  expect(elapsedMs()).toBeGreaterThan(3_900);
  expect(elapsedMs()).toBeLessThan(4_700);
});

test("what a call consumed beyond its turn is paid before the next", async () => {
  const { pace, elapsedMs } = pacer(100);
  await pace.turn(1);
  pace.spent(1, 501);
  await pace.turn(1);
  expect(elapsedMs()).toBeGreaterThan(5_000);
});

test("what was booked and not used in time is not used beside others' turns", async () => {
  const { pace, clock, limiter } = pacer(100);
  await pace.turn(20);
  pace.spent(20, 0);
  clock.advance(10_000);
  const other = pacer(100, { limiter }, clock);
  await other.pace.turn(20);
  const before = clock.now();
  await pace.turn(20);
  expect(clock.now()).toBeGreaterThan(before);
});

test("a turn beyond the slice's end is refused, and nobody waits for it afterwards", async () => {
  const limiter = memoryRateLimiter();
  const clock = virtualClock();
  const now = clock.now();
  await limiter.reserve(task, { durationMs: 60_000, nowMs: now, latestMs: now });
  const { pace } = pacer(100, { untilMs: 30_000, limiter }, clock);
  expect(await pace.turn(10)).toBe(false);
  expect(pace.heldUp()).toBe(true);
  expect(clock.now() - now).toBeLessThanOrEqual(30_000);
  expect(await limiter.reserve(task, { durationMs: 1, nowMs: now, latestMs: FOREVER_MS })).toBe(now + 60_000);
});

test("a turn that nobody wants any more is not waited for, and is given back", async () => {
  const limiter = memoryRateLimiter();
  const clock = virtualClock();
  const now = clock.now();
  await limiter.reserve(task, { durationMs: 60_000, nowMs: now, latestMs: now });
  const { pace, elapsedMs } = pacer(100, { wantedMs: 5_000, limiter }, clock);
  expect(await pace.turn(10)).toBe(false);
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
    await pace.turn(20);
    pace.spent(20, 0);
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
  await pace.turn(20);
  pace.spent(20, 0);
  await pace.close();
});
