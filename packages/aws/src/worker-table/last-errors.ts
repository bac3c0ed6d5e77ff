/**
 * The last errors of workers in the worker table: an item per event whose message failed.
 */

import { truncate } from "@ferry/core/errors/truncate";
import { type LastErrors, REGISTRATION_DAYS } from "@ferry/core/ports";
import { workerTable } from "@ferry/core/topology";
import type { UpdateWorkerItem } from "./worker-table.ts";

const error = { "#o": "operation", "#r": "resource", "#m": "message", "#h": "hint" };
const read = { "#d": "read" };
const expires = { "#e": workerTable.expires };
/** The most characters of each text. A row shows less. */
const TEXT_LENGTH_MAX = 1000;

/** Last errors in the worker table. `now`: ms since 1970. */
export function lastErrors(update: UpdateWorkerItem, now: () => number = Date.now): LastErrors {
  const expiresSeconds = () => Math.ceil(now() / 1000) + REGISTRATION_DAYS * 24 * 3600;
  return {
    async record(eventId, { operation, resource, message, hint }) {
      await update(keyOf(eventId), {
        set: "SET #o = :o, #r = :r, #m = :m, #h = :h, #e = :e",
        condition: "attribute_not_exists(#d)",
        names: { ...error, ...read, ...expires },
        values: {
          ":o": truncate(operation, TEXT_LENGTH_MAX),
          ":r": truncate(resource, TEXT_LENGTH_MAX),
          ":m": truncate(message, TEXT_LENGTH_MAX),
          ":h": truncate(hint, TEXT_LENGTH_MAX),
          ":e": expiresSeconds(),
        },
      });
    },
    async read(eventId) {
      // An update, because the role may not read. Later errors are not recorded.
      const found = await update(keyOf(eventId), {
        set: "SET #d = :d, #e = :e",
        names: { ...read, ...expires },
        values: { ":d": 1, ":e": expiresSeconds() },
      });
      const { operation, resource, message, hint } = found ?? {};
      if (message === undefined) return undefined;
      return {
        operation: String(operation),
        resource: String(resource),
        message: String(message),
        hint: String(hint),
      };
    },
  };
}

function keyOf(eventId: string): string {
  return `error ${eventId}`;
}
