/**
 * Slices' claims in memory: for each segment the latest claimed slice, the message that holds the claim, and the counts of
 * the completed segment.
 */
import { claimedPart, claimedWindow } from "@ferry/core/events/claimed-part";
import type { Counts } from "@ferry/core/events/events";
import type { Slice, SliceClaims } from "@ferry/core/ports";

interface SegmentClaim {
  slice?: { readonly attempt: number; readonly handoffs: number };
  /** Absent after the slice was released. */
  message?: string | undefined;
  counts?: Counts;
  /** Until when each writer may write, by its id. */
  readonly writers: Map<string, number>;
}

interface WindowClaim {
  readonly segments: Set<number>;
  /** The segment that queues the next window, and its attempt. */
  chosen?: { readonly attempt: number; readonly segment: number };
}

/** Claims in memory. */
export function memorySliceClaims(): SliceClaims {
  const claims = new Map<string, SegmentClaim>();
  const windows = new Map<string, WindowClaim>();
  const claimOf = (slice: Slice) => {
    const name = claimedPart(slice);
    const claim: SegmentClaim = claims.get(name) ?? { writers: new Map() };
    claims.set(name, claim);
    return claim;
  };
  return {
    async claim(slice, message, writer) {
      const claim = claimOf(slice);
      if (claim.counts !== undefined) return { outcome: "completed", counts: claim.counts };
      if (claim.slice !== undefined) {
        const { attempt, handoffs } = claim.slice;
        if (attempt > slice.attempt) return { outcome: "taken" };
        const isHeld = attempt === slice.attempt && claim.message !== undefined;
        if (
          isHeld &&
          (handoffs > slice.handoffs || (handoffs === slice.handoffs && claim.message !== message))
        )
          return { outcome: "taken" };
      }
      claim.slice = { attempt: slice.attempt, handoffs: slice.handoffs };
      claim.message = message;
      if (writer !== undefined) claim.writers.set(writer.id, writer.untilMs);
      return { outcome: "claimed" };
    },
    async leave(slice, writer) {
      const { writers } = claimOf(slice);
      writers.delete(writer);
      return writers.size === 0 ? undefined : Math.max(...writers.values());
    },
    async arrive(slice, window) {
      const name = claimedWindow(slice, window);
      const claim: WindowClaim = windows.get(name) ?? { segments: new Set() };
      windows.set(name, claim);
      claim.segments.add(slice.segment);
      if (claim.segments.size < window.segments) return false;
      const { attempt, segment } = slice;
      const { chosen } = claim;
      if (chosen === undefined || chosen.attempt < attempt) claim.chosen = { attempt, segment };
      return claim.chosen?.attempt === attempt && claim.chosen.segment === segment;
    },
    async complete(slice, counts) {
      claimOf(slice).counts ??= { ...counts };
    },
    async release(slice) {
      const claim = claimOf(slice);
      if (claim.slice?.attempt === slice.attempt && claim.slice.handoffs === slice.handoffs)
        claim.message = undefined;
    },
  };
}
