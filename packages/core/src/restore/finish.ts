/**
 * Ends a restore: what the segments processed must be what the manifest lists, in the table that was planned for.
 */
import { bucketOf } from "../archive/chain.ts";
import { readPlannedFiles } from "../archive/manifest.ts";
import { permanent } from "../errors.ts";
import { type FerryEvent, type RestorePlan, type TaskFinishing, VERSION } from "../events.ts";
import type { Ports } from "../ports.ts";
import { refuseReplaced } from "../table-identity.ts";
import { releaseLease } from "./lease.ts";

/**
 * Checks the archive, the counts and the table, and gives the table's lease back. Permanent errors: `archive-changed`, `totals-differ`, `table-replaced`,
 * `no-such-table`.
 */
export async function finishRestore(finishing: TaskFinishing, ports: Ports): Promise<readonly FerryEvent[]> {
  const plan = finishing.plan as RestorePlan;
  const items = finishing["transferred-items"];
  // The archive may have changed after the last slice of one segment and before that of another.
  await readPlannedFiles(bucketOf(plan.request), plan, ports);
  requireTotal(plan, "items", items, plan.manifest.items);
  // A native export does not tell its bytes.
  requireTotal(plan, "bytes", finishing["transferred-bytes"], plan.manifest.bytes);
  await refuseReplaced(plan, ports);
  await releaseLease(plan, ports);
  return [
    {
      type: "TaskFinished",
      detail: { version: VERSION, task: plan.task, attempt: finishing.attempt, items },
    },
  ];
}

function requireTotal(plan: RestorePlan, what: string, processed: number, listed: number | undefined): void {
  if (listed === undefined || processed === listed) return;
  throw permanent("totals-differ", {
    operation: "finish restore",
    resource: `table ${plan.request["table-name"]} in ${plan.request["table-region"]}`,
    message: `the segments processed ${processed} ${what} where the manifest lists ${listed}.`,
    hint: "Do not use the table: restore again into an empty one, and report this as a fault of Ferry.",
  });
}
