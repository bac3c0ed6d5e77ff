/**
 * Checks that a task's table is still the one it was planned for. A table that was deleted and created again has the same
 * name and other items.
 */

import { type FerryError, permanent } from "../errors/errors.ts";
import type { Plan } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { type TableAddress, tableResource } from "../request/addresses.ts";

/** The table of a plan, or of the request that it has. */
export function tableOf({ request }: { readonly request: Plan["request"] }): TableAddress {
  return { region: request["table-region"], name: request["table-name"] };
}

/**
 * Compares the table's id with the plan's. Permanent errors: `table-replaced` if they differ, and `no-such-table`. If
 * either has no id, nothing is compared.
 */
export async function refuseReplaced(plan: Plan, ports: Pick<Ports, "tables">): Promise<void> {
  const planned = plan.table.id;
  if (planned === undefined) return;
  const table = tableOf(plan);
  const found = await ports.tables.identify(table);
  if (found === undefined || found === planned) return;
  throw tableReplaced(plan, planned, found);
}

/** The permanent error `table-replaced`. `planned`, `found`: the ids of the plan's table and of the present one. */
export function tableReplaced(plan: Plan, planned: string, found: string): FerryError {
  return permanent("table-replaced", {
    operation: `${plan.request.action} table`,
    resource: tableResource(tableOf(plan)),
    predicate: `was deleted and created again: the task was planned for the table with id ${planned}, but the present table has id ${found}`,
    hint: "A retry cannot succeed. Put a new TaskRequested for the present table.",
  });
}
