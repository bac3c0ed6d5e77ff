/**
 * Slices' claims in memory: for each segment the latest claimed slice, the message that holds the claim, and the counts of
 * the completed segment.
 */
import { claimedPart } from "@ferry/core/claimed-part";
import type { Counts } from "@ferry/core/events";
import type { Slice, SliceClaims } from "@ferry/core/ports";

interface SegmentClaim {
  slice?: { readonly attempt: number; readonly handoffs: number };
  /** Absent after the slice was released. */
  message?: string | undefined;
  counts?: Counts;
}

/** Claims in memory. */
export function memorySliceClaims(): SliceClaims {
  const claims = new Map<string, SegmentClaim>();
  const claimOf = (slice: Slice) => {
    const name = claimedPart(slice);
    const claim = claims.get(name) ?? {};
    claims.set(name, claim);
    return claim;
  };
  return {
    async claim(slice, message) {
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
      return { outcome: "claimed" };
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
