/**
 * Slices' claims in memory: of each segment the latest slice that was claimed, by which message, and what the segment
 * came to.
 */
import { claimedPart } from "@ferry/core/claimed-part";
import type { Counts } from "@ferry/core/events";
import type { Slice, SliceClaims } from "@ferry/core/ports";

interface Note {
  slice?: { readonly attempt: number; readonly handoffs: number };
  /** Absent where the slice was given up. */
  message?: string | undefined;
  counts?: Counts;
}

/** Claims in memory. */
export function memorySliceClaims(): SliceClaims {
  const notes = new Map<string, Note>();
  const noteOf = (slice: Slice) => {
    const name = claimedPart(slice);
    const note = notes.get(name) ?? {};
    notes.set(name, note);
    return note;
  };
  return {
    async claim(asked, message) {
      const note = noteOf(asked);
      if (note.counts !== undefined) return { outcome: "completed", counts: note.counts };
      if (note.slice !== undefined) {
        const { attempt, handoffs } = note.slice;
        if (attempt > asked.attempt) return { outcome: "taken" };
        const isHeld = attempt === asked.attempt && note.message !== undefined;
        if (
          isHeld &&
          (handoffs > asked.handoffs || (handoffs === asked.handoffs && note.message !== message))
        )
          return { outcome: "taken" };
      }
      note.slice = { attempt: asked.attempt, handoffs: asked.handoffs };
      note.message = message;
      return { outcome: "claimed" };
    },
    async complete(asked, { batches, items, bytes }) {
      noteOf(asked).counts ??= { batches, items, bytes };
    },
    async release(asked) {
      const note = noteOf(asked);
      if (note.slice?.attempt === asked.attempt && note.slice.handoffs === asked.handoffs)
        note.message = undefined;
    },
  };
}
