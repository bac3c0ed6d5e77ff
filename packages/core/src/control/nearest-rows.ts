/**
 * The rows near the one that a refused cancel or retry named: its sender may have meant one of them.
 */
import * as v from "valibot";
import { cutNesting } from "../errors/nesting.ts";
import type { NearRow } from "../events/events.ts";
import type { RowSearch } from "../ports.ts";
import type { TaskState } from "../projection/status.ts";
import { controlSchema } from "./control.ts";

const ROWS_MAX = 5;
/** The newest rows of each state that are compared. */
const PER_STATE_MAX = 20;
/** The states in which a task can be cancelled, or retried. */
const STATES = {
  cancel: ["requested", "running", "finishing"],
  retry: ["failed", "cancelled", "running"],
} as const satisfies Readonly<Record<string, readonly TaskState[]>>;

/**
 * At most five rows: those with the named key, the nearest in time first. If no row has that key, those of the newest tasks that can
 * be cancelled or retried whose keys are most alike. Empty if the control names no row, or the tables cannot be read now: a
 * refusal does not wait for them.
 */
export async function nearestRows(
  control: keyof typeof STATES,
  detail: unknown,
  search: RowSearch,
): Promise<readonly NearRow[]> {
  const parsed = v.safeParse(controlSchema, cutNesting(detail));
  if (!parsed.success) return [];
  const { key, timestamp } = parsed.output.task;
  try {
    const same = await search.ofKey(key, timestamp, ROWS_MAX);
    if (same.length > 0) return first(same, (row) => -Math.abs(row.timestamp - timestamp));
    const byState = await Promise.all(STATES[control].map((state) => search.inState(state, PER_STATE_MAX)));
    return first(byState.flat(), (row) => likeness(row.key, key));
  } catch {
    return [];
  }
}

/** The rows of the highest rank; of equal rank, the newest first. */
function first(rows: readonly NearRow[], rankOf: (row: NearRow) => number): readonly NearRow[] {
  const byRank = (a: NearRow, b: NearRow) => rankOf(b) - rankOf(a) || b.timestamp - a.timestamp;
  return rows.toSorted(byRank).slice(0, ROWS_MAX);
}

/** The number of characters that two keys share at their start and at their end. */
function likeness(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return start + end;
}
