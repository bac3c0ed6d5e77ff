/**
 * The contract suite of the port RateLimiter.
 */
import type { RateLimiter } from "@ferry/core/ports";
import { someTask } from "@ferry/memory/testing/tasks";
import { expect, it } from "vitest";
import { type Closable, portSuite } from "./port-suite.ts";

export interface RateLimiterSubject extends Closable {
  readonly limiter: RateLimiter;
}

const NOW_MS = 1_793_498_400_000;
const ALWAYS_MS = Number.MAX_SAFE_INTEGER;
let tasks = 0;

/** A task without reservations. */
const freshTask = () => someTask(`us-east-1-limited-${++tasks}`);
const span = (durationMs: number, nowMs = NOW_MS, latestMs = ALWAYS_MS) => ({ durationMs, nowMs, latestMs });

/** Declares the tests of one host of RateLimiter. */
export function rateLimiterContract(name: string, open: () => Promise<RateLimiterSubject>): void {
  portSuite("RateLimiter", name, open, (subject) => {
    const reserve = (...args: Parameters<RateLimiter["reserve"]>) => subject().limiter.reserve(...args);

    it("given no reservations, a reservation begins now", async () => {
      expect(await reserve(freshTask(), span(100))).toBe(NOW_MS);
    });

    it("given reservations, the next one begins at the end of the last", async () => {
      const task = freshTask();
      const starts = [];
      for (const ms of [100, 7, 0, 30]) starts.push(await reserve(task, span(ms)));
      expect(starts).toEqual([NOW_MS, NOW_MS + 100, NOW_MS + 107, NOW_MS + 107]);
    });

    it("given reservations that have passed, the next one begins now: unused time is not kept", async () => {
      const task = freshTask();
      await reserve(task, span(100));
      expect(await reserve(task, span(50, NOW_MS + 5000))).toBe(NOW_MS + 5000);
      expect(await reserve(task, span(50, NOW_MS + 5000))).toBe(NOW_MS + 5050);
    });

    it("given a worker whose clock is behind, its reservation still begins after the others", async () => {
      const task = freshTask();
      await reserve(task, span(100));
      expect(await reserve(task, span(10, NOW_MS - 3000))).toBe(NOW_MS + 100);
    });

    it("given reservations beyond the latest start, nothing is reserved", async () => {
      const task = freshTask();
      await reserve(task, span(1000));
      expect(await reserve(task, span(10, NOW_MS, NOW_MS + 999))).toBeUndefined();
      expect(await reserve(task, span(10, NOW_MS, NOW_MS + 1000))).toBe(NOW_MS + 1000);
    });

    it("given a latest start that has passed, nothing is reserved", async () => {
      const task = freshTask();
      await reserve(task, span(10));
      for (const one of [task, freshTask()])
        expect(await reserve(one, span(10, NOW_MS + 50, NOW_MS + 49))).toBeUndefined();
      expect(await reserve(task, span(10))).toBe(NOW_MS + 10);
    });

    it("concurrent reservations neither overlap nor leave gaps", async () => {
      const task = freshTask();
      const starts = await Promise.all(Array.from({ length: 20 }, () => reserve(task, span(50))));
      expect(starts.sort((a, b) => a! - b!)).toEqual(Array.from({ length: 20 }, (_, n) => NOW_MS + n * 50));
    });

    it("each task has its own timeline, also if only the action differs", async () => {
      const task = freshTask();
      await reserve(task, span(1000));
      expect(await reserve(freshTask(), span(10))).toBe(NOW_MS);
      expect(await reserve({ ...task, action: "restore" }, span(10))).toBe(NOW_MS);
    });

    it("after the end of the last reservation is released, the next one begins there", async () => {
      const task = freshTask();
      await reserve(task, span(100));
      await subject().limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, span(10))).toBe(NOW_MS + 40);
    });

    it("releasing a reservation that others follow changes nothing", async () => {
      const task = freshTask();
      await reserve(task, span(100));
      await reserve(task, span(50));
      await subject().limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, span(10))).toBe(NOW_MS + 150);
    });

    it("releasing a reservation of a task without reservations changes nothing", async () => {
      const task = freshTask();
      await subject().limiter.release(task, { endMs: NOW_MS + 100, durationMs: 60 });
      expect(await reserve(task, span(10))).toBe(NOW_MS);
    });
  });
}
