import type { LastErrors, RecordedError } from "@ferry/core/ports";

/** Last errors in memory. */
export function memoryLastErrors(): LastErrors {
  const errors = new Map<string, RecordedError>();
  const read = new Set<string>();
  return {
    async record(eventId, error) {
      if (!read.has(eventId)) errors.set(eventId, error);
    },
    async read(eventId) {
      read.add(eventId);
      return errors.get(eventId);
    },
  };
}
