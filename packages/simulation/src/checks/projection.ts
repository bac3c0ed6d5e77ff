/**
 * A row as an operator reads it: the attributes of its item in the status table, and the state that follows from them.
 */
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { TaskRow } from "@ferry/core/projection/status";
import { itemOf } from "../cloud/row-item.ts";
import { openSegments, type PlannedWindows } from "./planned-windows.ts";

/** The attributes of a row's item, by name. */
export type Attributes = Readonly<Record<string, unknown>>;

const known = new WeakMap<TaskRow, Attributes>();

/** The attributes of this row in the status table. */
export function attributesOf(row: TaskRow): Attributes {
  const attributes = known.get(row) ?? unmarshall(itemOf(row));
  known.set(row, attributes);
  return attributes;
}

const ENDS: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "rejected"]);

/** The announcement of each final state. */
const ANNOUNCED_AS: Readonly<Record<string, string>> = {
  succeeded: "TaskSucceeded",
  failed: "TaskFailed",
  cancelled: "TaskCancelled",
};

/** The state that follows from the attributes, by the rules of docs/operations.md. */
export function stateIn(seen: Attributes): string {
  const number = (name: string) => Number(seen[name]);
  if (seen["finished"] === true) return "succeeded";
  if (seen["accepted"] !== true) return seen["rejected"] === true ? "rejected" : "requested";
  const isBroken = number("failed-step-attempt") >= number("attempt");
  const isCancelled = number("cancelled-attempt") >= number("attempt");
  const complete = number("completed-segments");
  if (complete === number("total-segments")) return isBroken ? "failed" : "finishing";
  if (isBroken || isOverIn(seen)) return isCancelled ? "cancelled" : "failed";
  return isCancelled ? "cancelling" : "running";
}

/** Whether all segments that were queued have ended in this attempt. */
function isOverIn(seen: Attributes): boolean {
  const plan = JSON.parse(String(seen["plan"])) as PlannedWindows | null;
  const complete = (seen["completed"] as ReadonlySet<number> | undefined) ?? new Set<number>();
  if (plan?.increments === undefined)
    return complete.size + Number(seen["failed-segments"]) >= Number(seen["total-segments"]);
  const failed = seen["failed"] as Readonly<Record<string, number>>;
  return openSegments(plan, complete).every(
    (segment) => complete.has(segment) || (failed[segment] ?? 0) >= Number(seen["attempt"]),
  );
}

/** The state of a row. */
export function stateOfRow(row: TaskRow): string {
  return stateIn(attributesOf(row));
}

/** Whether the state is final unless an operator retries the task. */
export function isOver(state: string): boolean {
  return ENDS.has(state);
}

/** The announcement of a final state; none for a rejection, which already is an event. */
export function announcedAs(state: string): string | undefined {
  return ANNOUNCED_AS[state];
}
