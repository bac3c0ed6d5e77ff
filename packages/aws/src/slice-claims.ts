/**
 * Slices' claims on the workers' notes: for each segment the latest slice that was claimed, the message that has it, and
 * what the segment came to.
 */
import { claimedPart } from "@ferry/core/claimed-part";
import type { Slice, SliceClaims } from "@ferry/core/ports";
import { workerTable } from "@ferry/core/topology";
import { KEPT_SECONDS, type UpdateWorkerItem } from "./worker-table.ts";

const slice = { "#a": "attempt", "#h": "handoffs" };
const claim = { ...slice, "#m": "message" };
const counts = { "#b": "batches", "#i": "items", "#y": "bytes" };
const expires = { "#e": workerTable.expires };

/** Claims on these notes. */
export function sliceClaims(update: UpdateWorkerItem): SliceClaims {
  return {
    async claim(asked, message) {
      const { attempt, handoffs } = asked;
      const claimed = await update(claimedPart(asked), {
        set: "SET #a = :a, #h = :h, #m = :m, #e = :e",
        condition:
          "attribute_not_exists(#i) AND (attribute_not_exists(#a) OR #a < :a OR (#a = :a AND (attribute_not_exists(#m) OR #h < :h OR (#h = :h AND #m = :m))))",
        names: { ...claim, ...expires, "#i": counts["#i"] },
        values: { ":a": attempt, ":h": handoffs, ":m": message, ":e": expiresSeconds(asked) },
      });
      if (claimed !== undefined) return { outcome: "claimed" };
      // An update that changes nothing: the role may not read.
      const completed = await update(claimedPart(asked), {
        set: "SET #b = #b, #i = #i, #y = #y",
        condition: "attribute_exists(#i)",
        names: counts,
        values: {},
      });
      if (completed === undefined) return { outcome: "taken" };
      const { batches, items, bytes } = completed;
      return {
        outcome: "completed",
        counts: { batches: Number(batches), items: Number(items), bytes: Number(bytes) },
      };
    },
    async complete(asked, { batches, items, bytes }) {
      await update(claimedPart(asked), {
        set: "SET #b = :b, #i = :i, #y = :y, #e = :e",
        condition: "attribute_not_exists(#i)",
        names: { ...counts, ...expires },
        values: { ":b": batches, ":i": items, ":y": bytes, ":e": expiresSeconds(asked) },
      });
    },
    async release(asked) {
      await update(claimedPart(asked), {
        set: "REMOVE #m",
        condition: "#a = :a AND #h = :h",
        names: claim,
        values: { ":a": asked.attempt, ":h": asked.handoffs },
      });
    },
  };
}

/** After its deadline nobody works on an attempt. */
function expiresSeconds({ "deadline-ms": deadlineMs }: Slice): number {
  return Math.ceil(deadlineMs / 1000) + KEPT_SECONDS;
}
