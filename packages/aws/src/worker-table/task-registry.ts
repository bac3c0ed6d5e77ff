/**
 * The registry of requests, rows and attempts in the worker table: the first registration wins.
 */
import { createHash } from "node:crypto";
import { REGISTRATION_DAYS, type RegisteredRequest, type TaskRegistry } from "@ferry/core/ports";
import type { RowKey, TaskRef } from "@ferry/core/request/task";
import { workerTable } from "@ferry/core/topology";
import type { UpdateWorkerItem } from "./worker-table.ts";

const request = { "#d": "digest", "#t": "time" };
const attempt = { "#a": "attempt" };
const owner = { "#o": "owner" };
const expires = { "#e": workerTable.expires };
/** Tries of two updates of an item, between which it may expire or change. */
const TRIES_MAX = 10;

/** A registry in the worker table. `now`: ms since 1970. */
export function taskRegistry(update: UpdateWorkerItem, now: () => number = Date.now): TaskRegistry {
  const expiresSeconds = () => Math.ceil(now() / 1000) + REGISTRATION_DAYS * 24 * 3600;

  /** Finds a request's item and extends its expiry. Uses an update, because the role may not read. */
  async function findRequest(requestId: string): Promise<RegisteredRequest | undefined> {
    const found = await update(keyOf.request(requestId), {
      set: "SET #d = #d, #t = #t, #e = :e",
      condition: "attribute_exists(#d)",
      names: { ...request, ...expires },
      values: { ":e": expiresSeconds() },
    });
    return found && { digest: String(found["digest"]), timeMs: Number(found["time"]) };
  }

  /** Sets the item's attempt if `first.condition` holds. Returns the item's attempt in either case. */
  async function attemptAfter(
    key: string,
    first: { readonly condition: string; readonly attempt: number },
  ): Promise<number> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const set = await update(key, {
        set: "SET #a = :a, #e = :e",
        condition: first.condition,
        names: { ...attempt, ...expires },
        values: { ":a": first.attempt, ":e": expiresSeconds() },
      });
      if (set !== undefined) return Number(set["attempt"]);
      const kept = await update(key, {
        set: "SET #a = #a, #e = :e",
        condition: "attribute_exists(#a)",
        names: { ...attempt, ...expires },
        values: { ":e": expiresSeconds() },
      });
      if (kept !== undefined) return Number(kept["attempt"]);
    }
    throw new Error(`the worker-table item ${key} changed between updates ${TRIES_MAX} times in a row`);
  }

  return {
    findRequest,
    async registerRequest(requestId, registration) {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const set = await update(keyOf.request(requestId), {
          set: "SET #d = :d, #t = :t, #e = :e",
          condition: "attribute_not_exists(#d)",
          names: { ...request, ...expires },
          values: { ":d": registration.digest, ":t": registration.timeMs, ":e": expiresSeconds() },
        });
        if (set !== undefined) return registration;
        const found = await findRequest(requestId);
        if (found !== undefined) return found;
      }
      throw new Error(
        `the worker-table item of request ${requestId} changed between updates ${TRIES_MAX} times in a row`,
      );
    },
    async claimRow(row, name) {
      const claimed = await update(keyOf.row(row), {
        set: "SET #o = :o, #e = :e",
        condition: "attribute_not_exists(#o) OR #o = :o",
        names: { ...owner, ...expires },
        values: { ":o": name, ":e": expiresSeconds() },
      });
      return claimed !== undefined;
    },
    async isClaimed(row) {
      const found = await update(keyOf.row(row), {
        set: "SET #o = #o",
        condition: "attribute_exists(#o)",
        names: owner,
        values: {},
      });
      return found !== undefined;
    },
    raiseAttempt(task, to) {
      const condition = "attribute_not_exists(#a) OR #a < :a";
      return attemptAfter(keyOf.attempts(task), { condition, attempt: to });
    },
    recordControl(row, eventId, named) {
      const condition = "attribute_not_exists(#a)";
      return attemptAfter(keyOf.control(row, eventId), { condition, attempt: named });
    },
  };
}

const keyOf = {
  request: (requestId: string) => `request ${requestId}`,
  row: (row: RowKey) => `row ${hashed(row)}`,
  attempts: ({ action, id }: TaskRef) => `attempts ${action} ${id}`,
  control: (row: RowKey, eventId: string) => `control ${hashed(row)} ${eventId}`,
};

/** Hashed, because a row's key may be nearly as long as the worker table's keys may be. */
function hashed({ action, key, timestamp }: RowKey): string {
  return `${action} ${createHash("sha256").update(key).digest("hex")} ${timestamp}`;
}
