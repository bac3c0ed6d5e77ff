/**
 * Slices' claims on the workers' notes: for each segment the latest slice that was claimed, and the message that has it.
 */
import type { SliceClaims } from "@ferry/core/ports";
import { workerTable } from "@ferry/core/topology";
import { KEPT_SECONDS, type UpdateNote } from "./worker-notes.ts";

/** Claims on these notes. */
export function sliceClaims(update: UpdateNote): SliceClaims {
  return {
    async claim({ task, segment, attempt, hop, "deadline-ms": deadlineMs }, message) {
      const claimed = await update(`${task.action} ${task.id} segment ${segment}`, {
        set: "SET #a = :a, #h = :h, #m = :m, #e = :e",
        condition: "attribute_not_exists(#a) OR #a < :a OR (#a = :a AND (#h < :h OR (#h = :h AND #m = :m)))",
        names: { "#a": "attempt", "#h": "hop", "#m": "message", "#e": workerTable.expires },
        // After its deadline nobody works on an attempt.
        values: {
          ":a": attempt,
          ":h": hop,
          ":m": message,
          ":e": Math.ceil(deadlineMs / 1000) + KEPT_SECONDS,
        },
      });
      return claimed !== undefined;
    },
  };
}
