/**
 * The rate limiter in memory: how far each task's line is booked.
 */
import type { RateLimiter } from "@ferry/core/ports";
import type { TaskRef } from "@ferry/core/task";

/** A rate limiter in memory. */
export function memoryRateLimiter(): RateLimiter {
  const bookedUntilMs = new Map<string, number>();
  const nameOf = ({ action, id }: TaskRef) => `${action} ${id}`;
  return {
    async reserve(task, { durationMs, nowMs, latestMs }) {
      if (nowMs > latestMs) return undefined;
      const startMs = Math.max(bookedUntilMs.get(nameOf(task)) ?? nowMs, nowMs);
      if (startMs > latestMs) return undefined;
      bookedUntilMs.set(nameOf(task), startMs + durationMs);
      return startMs;
    },
    async release(task, { endMs, durationMs }) {
      if (bookedUntilMs.get(nameOf(task)) === endMs) bookedUntilMs.set(nameOf(task), endMs - durationMs);
    },
  };
}
