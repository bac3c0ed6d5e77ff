/**
 * Slices' claims in the worker table: an item per segment with the latest claimed slice, the message that holds the claim,
 * and the counts of the completed segment.
 */
import { claimedPart, claimedWindow } from "@ferry/core/events/claimed-part";
import type { Slice, SliceClaims } from "@ferry/core/ports";
import { workerTable } from "@ferry/core/topology";
import { KEPT_SECONDS, type UpdateWorkerItem } from "./worker-table.ts";

const slice = { "#a": "attempt", "#h": "handoffs" };
const claim = { ...slice, "#m": "message" };
const counts = { "#b": "batches", "#i": "items", "#y": "bytes" };
const expires = { "#e": workerTable.expires };
/** Before a writer's id, in the name of the attribute with the time until which it may write. */
const WRITER = "writer ";

/**
 * When a message may claim a slice: the segment is not completed, and the slice comes after the claimed one, its claim is
 * released, or the message already holds it. Without parentheses, since the local DynamoDB's parser needs milliseconds for
 * nested ones.
 */
const CLAIMABLE = [
  "attribute_not_exists(#a)",
  "#a < :a",
  "#a = :a AND attribute_not_exists(#m)",
  "#a = :a AND #h < :h",
  "#a = :a AND #h = :h AND #m = :m",
]
  .map((isNext) => `attribute_not_exists(#i) AND ${isNext}`)
  .join(" OR ");

/** Claims in the worker table. */
export function sliceClaims(update: UpdateWorkerItem): SliceClaims {
  return {
    async claim(work, message, writer) {
      const { attempt, handoffs } = work;
      const claimed = await update(claimedPart(work), {
        set: `SET #a = :a, #h = :h, #m = :m, #e = :e${writer === undefined ? "" : ", #w = :w"}`,
        condition: CLAIMABLE,
        names: {
          ...claim,
          ...expires,
          "#i": counts["#i"],
          ...(writer !== undefined && { "#w": `${WRITER}${writer.id}` }),
        },
        values: {
          ":a": attempt,
          ":h": handoffs,
          ":m": message,
          ":e": expiresSeconds(work),
          ...(writer !== undefined && { ":w": writer.untilMs }),
        },
      });
      if (claimed !== undefined) return { outcome: "claimed" };
      // An update that changes nothing, because the role may not read.
      const completed = await update(claimedPart(work), {
        set: "SET #b = #b, #i = #i, #y = #y",
        condition: "attribute_exists(#i)",
        names: counts,
        values: {},
      });
      if (completed === undefined) return { outcome: "taken" };
      const { batches, items, bytes, skipped, matched } = completed;
      return {
        outcome: "completed",
        counts: {
          batches: Number(batches),
          items: Number(items),
          bytes: Number(bytes),
          ...(skipped !== undefined && { skipped: Number(skipped) }),
          ...(matched !== undefined && { matched: Number(matched) }),
        },
      };
    },
    async complete(work, { batches, items, bytes, skipped, matched }) {
      const isSkipped = skipped !== undefined;
      const isMatched = matched !== undefined;
      await update(claimedPart(work), {
        set: `SET #b = :b, #i = :i, #y = :y, #e = :e${isSkipped ? ", #s = :s" : ""}${isMatched ? ", #d = :d" : ""}`,
        condition: "attribute_not_exists(#i)",
        names: {
          ...counts,
          ...expires,
          ...(isSkipped && { "#s": "skipped" }),
          ...(isMatched && { "#d": "matched" }),
        },
        values: {
          ":b": batches,
          ":i": items,
          ":y": bytes,
          ":e": expiresSeconds(work),
          ...(isSkipped && { ":s": skipped }),
          ...(isMatched && { ":d": matched }),
        },
      });
    },
    async leave(work, writer) {
      const left = await update(claimedPart(work), {
        set: "REMOVE #w",
        names: { "#w": `${WRITER}${writer}` },
        values: {},
      });
      const others = Object.entries(left ?? {}).filter(([name]) => name.startsWith(WRITER));
      return others.length === 0 ? undefined : Math.max(...others.map(([, untilMs]) => Number(untilMs)));
    },
    async arrive(work, window) {
      const { attempt, segment } = work;
      const name = claimedWindow(work, window);
      const { segments } = (await update(name, {
        set: "SET #e = :e ADD #s :s",
        names: { ...expires, "#s": "segments" },
        values: { ":e": expiresSeconds(work), ":s": new Set([segment]) },
      })) as { readonly segments: ReadonlySet<number> };
      if (segments.size < window.segments) return false;
      const chosen = await update(name, {
        set: "SET #a = :a, #c = :c",
        condition: "attribute_not_exists(#a) OR #a < :a OR #a = :a AND #c = :c",
        names: { "#a": "attempt", "#c": "segment" },
        values: { ":a": attempt, ":c": segment },
      });
      return chosen !== undefined;
    },
    async release(work) {
      await update(claimedPart(work), {
        set: "REMOVE #m",
        condition: "#a = :a AND #h = :h",
        names: claim,
        values: { ":a": work.attempt, ":h": work.handoffs },
      });
    },
  };
}

/** After its deadline an attempt has no workers. */
function expiresSeconds({ "deadline-ms": deadlineMs }: Slice): number {
  return Math.ceil(deadlineMs / 1000) + KEPT_SECONDS;
}
