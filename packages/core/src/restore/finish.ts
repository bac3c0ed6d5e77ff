/**
 * Ends a restore: what the segments processed must be what the manifest lists, in the table that was planned for.
 */
import { permanent } from "../errors.ts";
import { type FerryEvent, type RestorePlan, type TaskFinishing, VERSION } from "../events.ts";
import type { Ports } from "../ports.ts";
import { refuseReplaced } from "../table-identity.ts";

/** Checks the counts and the table. Permanent errors: `totals-differ`, `table-replaced`, `no-such-table`. */
export async function finishRestore(
  finishing: TaskFinishing,
  ports: Pick<Ports, "tables">,
): Promise<readonly FerryEvent[]> {
  const plan = finishing.plan as RestorePlan;
  const items = finishing["transferred-items"];
  if (items !== plan.manifest.items)
    throw permanent("totals-differ", {
      operation: "finish restore",
      resource: `table ${plan.request["table-name"]} in ${plan.request["table-region"]}`,
      message: `the segments processed ${items} items where the manifest lists ${plan.manifest.items}.`,
      hint: "Do not use the table: restore again into an empty one, and report this as a fault of Ferry.",
    });
  await refuseReplaced(plan, ports);
  return [
    {
      type: "TaskFinished",
      detail: { version: VERSION, task: plan.task, attempt: finishing.attempt, items },
    },
  ];
}
