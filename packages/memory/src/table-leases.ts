/**
 * Tables' leases in memory.
 */
import type { TableLease, TableLeases } from "@ferry/core/ports";

/** Leases in memory. Held as texts: what is read shares nothing with what was written. */
export function memoryTableLeases(): TableLeases {
  const leases = new Map<string, string>();
  return {
    async read(tableArn) {
      const text = leases.get(tableArn);
      return text === undefined ? undefined : (JSON.parse(text) as TableLease);
    },
    async replace(tableArn, read, next) {
      if (leases.get(tableArn) !== (read && JSON.stringify(read))) return false;
      leases.set(tableArn, JSON.stringify(next));
      return true;
    },
  };
}
