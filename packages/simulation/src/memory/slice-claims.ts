/**
 * Slices' claims in memory: of each segment the latest slice that was claimed, and by which message.
 */
import type { SliceClaims } from "@ferry/core/ports";

/** Claims in memory. */
export function memorySliceClaims(): SliceClaims {
  const claims = new Map<string, { attempt: number; hop: number; message: string }>();
  return {
    async claim({ task, segment, attempt, hop }, message) {
      const name = JSON.stringify([task.action, task.id, segment]);
      const held = claims.get(name);
      if (held !== undefined) {
        const ahead = held.attempt - attempt || held.hop - hop;
        if (ahead > 0 || (ahead === 0 && held.message !== message)) return false;
      }
      claims.set(name, { attempt, hop, message });
      return true;
    },
  };
}
