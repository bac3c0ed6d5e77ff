/**
 * What a rate limiter promises, whatever engine it is on.
 */
import type { RateLimiter } from "@ferry/core/ports";
import { someTask } from "@ferry/core/testing/tasks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

export interface RateLimiterSubject {
  readonly limiter: RateLimiter;
  close?(): Promise<void>;
}

const NOW_MS = 1_793_498_400_000;
const ALWAYS_MS = Number.MAX_SAFE_INTEGER;
let tasks = 0;

/** A task of which the limiter has not heard. */
const freshTask = () => someTask(`us-east-1-limited-${++tasks}`);
const turn = (durationMs: number, nowMs = NOW_MS, latestMs = ALWAYS_MS) => ({ durationMs, nowMs, latestMs });

/** Runs the suite on the limiter that `open` gives. */
export function rateLimiterContract(name: string, open: () => Promise<RateLimiterSubject>): void {
  describe(`RateLimiter over ${name}`, () => {
    let subject: RateLimiterSubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject?.close?.());
    const reserve = (...args: Parameters<RateLimiter["reserve"]>) => subject.limiter.reserve(...args);

    it("given a line that nobody booked, begins the turn now", async () => {
      expect(await reserve(freshTask(), turn(100))).toBe(NOW_MS);
    });

    it("given turns that are booked, begins behind them", async () => {
      const task = freshTask();
      const starts = [];
      for (const ms of [100, 7, 0, 30]) starts.push(await reserve(task, turn(ms)));
      expect(starts).toEqual([NOW_MS, NOW_MS + 100, NOW_MS + 107, NOW_MS + 107]);
    });

    it("given a line that was booked until a while ago, begins now: what was not used is gone", async () => {
      const task = freshTask();
      await reserve(task, turn(100));
      expect(await reserve(task, turn(50, NOW_MS + 5000))).toBe(NOW_MS + 5000);
      expect(await reserve(task, turn(50, NOW_MS + 5000))).toBe(NOW_MS + 5050);
    });

    it("given a worker whose clock is behind, it is behind the others' turns", async () => {
      const task = freshTask();
      await reserve(task, turn(100));
      expect(await reserve(task, turn(10, NOW_MS - 3000))).toBe(NOW_MS + 100);
    });

    it("given a line that is booked beyond the latest, books nothing", async () => {
      const task = freshTask();
      await reserve(task, turn(1000));
      expect(await reserve(task, turn(10, NOW_MS, NOW_MS + 999))).toBeUndefined();
      expect(await reserve(task, turn(10, NOW_MS, NOW_MS + 1000))).toBe(NOW_MS + 1000);
    });

    it("given a latest that has passed, books nothing", async () => {
      const task = freshTask();
      await reserve(task, turn(10));
      for (const one of [task, freshTask()])
        expect(await reserve(one, turn(10, NOW_MS + 50, NOW_MS + 49))).toBeUndefined();
      expect(await reserve(task, turn(10))).toBe(NOW_MS + 10);
    });

    it("given many who book at once, their turns neither overlap nor leave gaps", async () => {
      const task = freshTask();
      const starts = await Promise.all(Array.from({ length: 20 }, () => reserve(task, turn(50))));
      expect(starts.sort((a, b) => a! - b!)).toEqual(Array.from({ length: 20 }, (_, n) => NOW_MS + n * 50));
    });

    it("given other tasks, also one of the other action, each has a line of its own", async () => {
      const task = freshTask();
      await reserve(task, turn(1000));
      expect(await reserve(freshTask(), turn(10))).toBe(NOW_MS);
      expect(await reserve({ ...task, action: "restore" }, turn(10))).toBe(NOW_MS);
    });

    it("given the end of the last turn back, books from there", async () => {
      const task = freshTask();
      await reserve(task, turn(100));
      await subject.limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, turn(10))).toBe(NOW_MS + 40);
    });

    it("given a turn back that others are behind, keeps the line", async () => {
      const task = freshTask();
      await reserve(task, turn(100));
      await reserve(task, turn(50));
      await subject.limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, turn(10))).toBe(NOW_MS + 150);
    });

    it("given a turn back of a task that it never heard of, makes nothing of it", async () => {
      const task = freshTask();
      await subject.limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, turn(10))).toBe(NOW_MS);
    });
  });
}
