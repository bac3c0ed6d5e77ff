/**
 * The rate limiter on the workers' notes: for each task the time until which its line is booked.
 */
import type { RateLimiter, Reservation } from "@ferry/core/ports";
import type { TaskRef } from "@ferry/core/task";
import { workerTable } from "@ferry/core/topology";
import { KEPT_SECONDS, type UpdateWorkerItem } from "./worker-table.ts";

const BOOKED = "booked-until";
const booked = { "#b": BOOKED };
const bookedAndExpires = { ...booked, "#e": workerTable.expires };
/** How often others may come between the two updates of a booking. */
const TRIES_MAX = 10;

/** A rate limiter on these notes. */
export function rateLimiter(update: UpdateWorkerItem): RateLimiter {
  async function reserve(
    task: TaskRef,
    { durationMs, nowMs, latestMs }: Reservation,
  ): Promise<number | undefined> {
    // DynamoDB takes bounds that are the wrong way round for a fault.
    if (nowMs > latestMs) return undefined;
    const expires = Math.ceil((nowMs + durationMs) / 1000) + KEPT_SECONDS;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // Behind what is booked.
      const behind = await update(keyOf(task), {
        set: "SET #b = #b + :d, #e = :e",
        condition: "#b BETWEEN :now AND :latest",
        names: bookedAndExpires,
        values: { ":d": durationMs, ":now": nowMs, ":latest": latestMs, ":e": expires },
      });
      if (behind !== undefined) return Number(behind[BOOKED]) - durationMs;
      // Nothing is booked from now on.
      const first = await update(keyOf(task), {
        set: "SET #b = :until, #e = :e",
        condition: "attribute_not_exists(#b) OR #b < :now",
        names: bookedAndExpires,
        values: { ":until": nowMs + durationMs, ":now": nowMs, ":e": expires },
      });
      if (first !== undefined) return nowMs;
      // Booked beyond the latest; or another worker was the first between the two, and this one is behind it.
      if (await isBookedBeyond(task, latestMs)) return undefined;
    }
    return undefined;
  }

  /** An update that changes nothing: the role may not read. */
  async function isBookedBeyond(task: TaskRef, latestMs: number): Promise<boolean> {
    const found = await update(keyOf(task), {
      set: "SET #b = #b",
      condition: "#b > :latest",
      names: booked,
      values: { ":latest": latestMs },
    });
    return found !== undefined;
  }

  return {
    reserve,
    async release(task, { endMs, durationMs }) {
      await update(keyOf(task), {
        set: "SET #b = :start",
        condition: "#b = :end",
        names: booked,
        values: { ":start": endMs - durationMs, ":end": endMs },
      });
    },
  };
}

function keyOf({ action, id }: TaskRef): string {
  return `${action} ${id}`;
}
