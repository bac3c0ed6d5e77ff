/**
 * A restore of an archive whose lines do not match the table fails with a cause that names the fault. The causes of a
 * rejected call or of a final count do not lead an operator to it.
 */

import { MALFORMED_PREFIX } from "../scenario/actors.ts";
import type { ArchiveFault, Source } from "../scenario/archive-kinds.ts";
import { OTHER_PREFIX } from "../scenario/other-archive.ts";
import { isDisturbed, type Outcome } from "./outcome.ts";
import { taskLabel } from "./recorder.ts";

/** The causes that do not name a fault. */
function misleading(kind: Source, fault: ArchiveFault | undefined): RegExp | undefined {
  // The archive names its keys, or two lines are in one file.
  const isFoundBefore = kind === "own" || kind === "incremental";
  if (fault === "duplicate key") return /^(invalid-request|items-missing|totals-differ)$/;
  if (fault === "table with other keys")
    return isFoundBefore
      ? /^(invalid-request|items-missing|totals-differ)$/
      : /^(invalid-request|totals-differ)$/;
  return undefined;
}

/** Whether a restore from this prefix reads the archive with the fault. */
function readsArchive(prefix: string): boolean {
  return prefix !== OTHER_PREFIX && !prefix.startsWith(MALFORMED_PREFIX);
}

export function* namedFaultViolations(outcome: Outcome): Iterable<string> {
  const { kind, fault } = outcome.scenario.data.source;
  const wrong = misleading(kind, fault);
  if (wrong === undefined) return;
  for (const row of outcome.status.rows()) {
    if (row.action !== "restore" || !readsArchive(String(row.request["bucket-prefix"]))) continue;
    if (isDisturbed(row, outcome)) continue;
    for (const { cause, text } of row.reasons)
      if (wrong.test(cause))
        yield `MISLEADING: ${taskLabel(row)} of an archive with this fault: ${fault}, has the reason ${text}`;
  }
}
