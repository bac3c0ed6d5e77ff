/**
 * Tables' leases in the worker table: an item per table, which does not expire.
 */
import { FerryError } from "@ferry/core/errors/errors";
import { parsedOr } from "@ferry/core/events/parsed-or";
import type { TableLeases } from "@ferry/core/ports";
import { storedLeaseSchema, type TableLease } from "@ferry/core/restore/lease-schema";
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
      return found && leaseOf(tableArn, String(found[LEASE]));
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

/** Reads a lease. Transient error: `malformed-row`: an operator may mend the item before the message's attempts run out. */
function leaseOf(tableArn: string, text: string): TableLease {
  const malformed = (message: string) =>
    new FerryError("transient", "malformed-row", {
      operation: "read lease",
      resource: `item ${keyOf(tableArn)} of the worker table`,
      message,
      hint: "When no restore into the table runs, delete the item: Ferry creates it again. Only the restore worker may write it.",
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(`lease is not JSON: ${(error as Error).message}.`);
  }
  return parsedOr(storedLeaseSchema, value, "lease", malformed);
}

function keyOf(tableArn: string): string {
  return `table ${tableArn}`;
}
