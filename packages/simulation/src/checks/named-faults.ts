/**
 * A restore of an archive whose lines do not fit the table says so, and where. What a table's refusal or a last count
 * would say of it leads nobody to the fault.
 */

import type { ArchiveFault, Source } from "../scenario/archives.ts";
import { OTHER_PREFIX } from "../scenario/other-archive.ts";
import { isDisturbed, type Outcome } from "./outcome.ts";
import { nameOf } from "./recorder.ts";

/** What must not be said of a fault. */
function misleading(kind: Source, fault: ArchiveFault | undefined): RegExp | undefined {
  // Two lines of one file, or keys that the archive itself names.
  const isFoundBefore = kind === "own" || kind === "incremental";
  if (fault === "duplicate key") return /^(invalid-request|items-missing|totals-differ)$/;
  if (fault === "table with other keys")
    return isFoundBefore
      ? /^(invalid-request|items-missing|totals-differ)$/
      : /^(invalid-request|totals-differ)$/;
  return undefined;
}

export function namedFaultViolations(outcome: Outcome): string[] {
  const { kind, fault } = outcome.scenario.data.source;
  const wrong = misleading(kind, fault);
  if (wrong === undefined) return [];
  return outcome.status
    .rows()
    .filter(({ action, request }) => action === "restore" && request["bucket-prefix"] !== OTHER_PREFIX)
    .filter((row) => !isDisturbed(row, outcome))
    .flatMap((row) => row.reasons.filter(({ cause }) => wrong.test(cause)).map((reason) => ({ row, reason })))
    .map(
      ({ row, reason }) =>
        `MISNAMED: ${nameOf(row)} of an archive with this fault: ${fault}, says ${reason.text}`,
    )
    .slice(0, 3);
}
