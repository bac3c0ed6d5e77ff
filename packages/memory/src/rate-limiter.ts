/**
 * The rate limiter in memory: until when each task's timeline is reserved.
 */
import type { RateLimiter } from "@ferry/core/ports";
import type { TaskRef } from "@ferry/core/request/task";

/** A rate limiter in memory. */
export function memoryRateLimiter(): RateLimiter {
  const reservedUntilMs = new Map<string, number>();
  const nameOf = ({ action, id }: TaskRef) => `${action} ${id}`;
  return {
    async reserve(task, { durationMs, nowMs, latestMs }) {
      if (nowMs > latestMs) return undefined;
      const startMs = Math.max(reservedUntilMs.get(nameOf(task)) ?? nowMs, nowMs);
      if (startMs > latestMs) return undefined;
      reservedUntilMs.set(nameOf(task), startMs + durationMs);
      return startMs;
    },
    async release(task, { endMs, durationMs }) {
      if (reservedUntilMs.get(nameOf(task)) === endMs) reservedUntilMs.set(nameOf(task), endMs - durationMs);
    },
  };
}
