/**
 * Finishes a restore: checks that the segments processed what the manifest lists, in the planned table.
 */

import { bucketOf } from "../archive/bucket.ts";
import { requirePlannedArchive } from "../archive/manifest.ts";
import { permanent } from "../errors/errors.ts";
import { continueFinishing } from "../events/continue-finishing.ts";
import {
  type FerryEvent,
  type MessageWith,
  type RestorePlan,
  type TaskFinishing,
  VERSION,
} from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { tableResource } from "../request/addresses.ts";
import { refuseReplaced, tableOf } from "../table/table-identity.ts";
import { beginCount, countOn, isCounted } from "./count.ts";
import { isCreated } from "./create-table.ts";
import { releaseLease } from "./lease.ts";
import { reapplySettings } from "./reapply.ts";
import { manifestsOf } from "./windows.ts";

/**
 * Checks the archive, the counts and the table, and releases the table's lease. If the table was empty and the archive is a
 * native full export, counts the table's items, to detect lines whose keys were equal in this table. A count that does not
 * fit into one invocation is handed off. A table that the restore created then gets its other settings. Permanent errors: `archive-changed`, `totals-differ`, `table-replaced`, `no-such-table`,
 * `items-missing`.
 */
export async function finishRestore(
  finishing: MessageWith<RestorePlan, TaskFinishing>,
  ports: Ports,
): Promise<readonly FerryEvent[]> {
  const { plan } = finishing;
  const items = finishing["transferred-items"];
  // The archive may have changed between the slices of different segments.
  const manifests = manifestsOf(plan);
  for (const manifest of manifests) await requirePlannedArchive(bucketOf(plan.request), manifest, ports);
  const listed = manifests.reduce((sum, manifest) => sum + manifest.items, 0);
  requireTotal(plan, "items", items, listed);
  // A native export does not contain its total bytes.
  requireTotal(plan, "bytes", finishing["transferred-bytes"], plan.manifest.bytes);
  await refuseReplaced(plan, ports);
  let { counted } = finishing;
  if (plan["items-before"] === "none") {
    counted = await countOn(
      plan,
      counted ?? beginCount(finishing["transferred-bytes"]),
      Math.ceil(finishing["transferred-bytes"] / Math.max(1, items)),
      ports,
    );
    if (!isCounted(counted)) return [continueFinishing({ ...finishing, counted })];
    if (counted.items < items) throw missing(plan, counted.items, items);
  }
  const waits = finishing["settings-waits"] ?? 0;
  const settings = isCreated(plan) ? await reapplySettings(plan, waits, ports) : {};
  if (settings === undefined)
    return [
      continueFinishing({
        ...finishing,
        ...(counted !== undefined && { counted }),
        "settings-waits": waits + 1,
      }),
    ];
  await releaseLease(plan, ports);
  return [
    {
      type: "TaskFinished",
      detail: {
        version: VERSION,
        task: plan.task,
        attempt: finishing.attempt,
        items,
        ...(isCreated(plan) && { settings }),
      },
    },
  ];
}

function missing(plan: RestorePlan, counted: number, items: number) {
  return permanent("items-missing", {
    operation: "count items",
    resource: tableResource(tableOf(plan)),
    predicate: `was empty, and ${items} lines of the archive were written, but it holds ${counted} items`,
    hint: "Most likely the export is of a table with other keys, so that several of its items became one: restore it into a table with the original keys. Deletes by an application or by TTL during the restore have the same effect.",
  });
}

function requireTotal(plan: RestorePlan, unit: string, processed: number, listed: number | undefined): void {
  if (listed === undefined || processed === listed) return;
  throw permanent("totals-differ", {
    operation: "finish restore",
    resource: tableResource(tableOf(plan)),
    message: `The segments processed ${processed} ${unit}, but the manifest lists ${listed}.`,
    hint: "Do not use the table: restore again into an empty one, and report this as a fault of Ferry.",
  });
}
