/**
 * Tables' leases in memory.
 */
import type { TableLeases } from "@ferry/core/ports";
import type { TableLease } from "@ferry/core/restore/lease-schema";

/** Leases in memory. They are stored as texts, so that reads share no objects with writes. */
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
