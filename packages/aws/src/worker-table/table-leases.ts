/**
 * Tables' leases in the worker table: an item per table, which does not expire.
 */
import type { TableLease, TableLeases } from "@ferry/core/ports";
import type { UpdateWorkerItem } from "./worker-table.ts";

const LEASE = "lease";
const names = { "#l": LEASE };

/** Leases in the worker table. */
export function tableLeases(update: UpdateWorkerItem): TableLeases {
  return {
    async read(tableArn) {
      // An update that changes nothing, because the role may not read.
      const found = await update(keyOf(tableArn), {
        set: "SET #l = #l",
        condition: "attribute_exists(#l)",
        names,
        values: {},
      });
      return found && (JSON.parse(String(found[LEASE])) as TableLease);
    },
    async replace(tableArn, read, next) {
      const replaced = await update(keyOf(tableArn), {
        set: "SET #l = :next",
        condition: read === undefined ? "attribute_not_exists(#l)" : "#l = :read",
        names,
        values: {
          ":next": JSON.stringify(next),
          ...(read !== undefined && { ":read": JSON.stringify(read) }),
        },
      });
      return replaced !== undefined;
    },
  };
}

function keyOf(tableArn: string): string {
  return `table ${tableArn}`;
}
