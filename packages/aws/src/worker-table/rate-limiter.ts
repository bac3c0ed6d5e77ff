/**
 * The rate limiter on the worker table: an item per task with the time until which its timeline is reserved.
 */
import type { RateLimiter, Reservation } from "@ferry/core/ports";
import type { TaskRef } from "@ferry/core/request/task";
import { workerTable } from "@ferry/core/topology";
import { KEPT_SECONDS, type UpdateWorkerItem } from "./worker-table.ts";

const RESERVED_UNTIL = "reserved-until";
const reserved = { "#b": RESERVED_UNTIL };
const reservedAndExpires = { ...reserved, "#e": workerTable.expires };
/** Tries of a reservation's two updates, between which other workers may reserve. */
const TRIES_MAX = 10;

/** A rate limiter on the worker table. */
export function rateLimiter(update: UpdateWorkerItem): RateLimiter {
  async function reserve(
    task: TaskRef,
    { durationMs, nowMs, latestMs }: Reservation,
  ): Promise<number | undefined> {
    // DynamoDB refuses a BETWEEN whose bounds are in the wrong order.
    if (nowMs > latestMs) return undefined;
    const expires = Math.ceil((nowMs + durationMs) / 1000) + KEPT_SECONDS;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // After the existing reservations.
      const extended = await update(keyOf(task), {
        set: "SET #b = #b + :d, #e = :e",
        condition: "#b BETWEEN :now AND :latest",
        names: reservedAndExpires,
        values: { ":d": durationMs, ":now": nowMs, ":latest": latestMs, ":e": expires },
      });
      if (extended !== undefined) return Number(extended[RESERVED_UNTIL]) - durationMs;
      // Nothing is reserved from now on.
      const first = await update(keyOf(task), {
        set: "SET #b = :until, #e = :e",
        condition: "attribute_not_exists(#b) OR #b < :now",
        names: reservedAndExpires,
        values: { ":until": nowMs + durationMs, ":now": nowMs, ":e": expires },
      });
      if (first !== undefined) return nowMs;
      // Either the timeline is reserved beyond the latest time, or another worker reserved between the two updates: try again.
      if (await isReservedBeyond(task, latestMs)) return undefined;
    }
    return undefined;
  }

  /** Uses an update that changes nothing, because the role may not read. */
  async function isReservedBeyond(task: TaskRef, latestMs: number): Promise<boolean> {
    const found = await update(keyOf(task), {
      set: "SET #b = #b",
      condition: "#b > :latest",
      names: reserved,
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
        names: reserved,
        values: { ":start": endMs - durationMs, ":end": endMs },
      });
    },
  };
}

function keyOf({ action, id }: TaskRef): string {
  return `${action} ${id}`;
}
