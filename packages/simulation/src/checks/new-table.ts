/**
 * A restore with create-table makes one table, recognises it, and gives it its settings. It never uses a table of another.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { destination } from "@ferry/memory/testing/tasks";
import { lateSettings } from "../scenario/source-settings.ts";
import { hasDeletedRow, type Outcome } from "./outcome.ts";
import { stateOfRow } from "./projection.ts";
import { taskLabel } from "./recorder.ts";

export async function* newTableViolations(outcome: Outcome): AsyncIterable<string> {
  const { scenario, status, admin } = outcome;
  if (scenario.newTable === undefined) return;
  const rows = status
    .rows()
    .filter(({ action, request }) => action === "restore" && request["create-table"] === true);
  if (scenario.newTable === "foreign") return yield* foreignViolations(rows, outcome);
  const times = admin.created.filter(({ table }) => table.name === destination.name).length;
  if (times > 1) yield `NEW-TABLE: ${destination.name} was created ${times} times`;
  for (const row of rows) {
    // A restore that succeeded no longer owns its table.
    if (hasDeletedRow(row, outcome)) continue;
    if (isRefusedOwnTable(row, outcome))
      yield `NEW-TABLE: ${taskLabel(row)} did not recognise the table that it created`;
    if (stateOfRow(row) === "succeeded") yield* settingViolations(row, outcome);
  }
}

/**
 * Whether a delivery of its request was rejected for the table while the table had its owner, or after the row showed the plan.
 * A delivery that began before the row showed it, and reads the owner after the task's last step removed it, finds none.
 */
function isRefusedOwnTable(row: TaskRow, { recorder, admin }: Outcome): boolean {
  const removedMs = admin.ownerRemovedMs(destination) ?? Number.POSITIVE_INFINITY;
  const plannedMs = recorder.history(taskLabel(row)).plannedMs ?? Number.POSITIVE_INFINITY;
  return recorder.emittedEvents.some(({ type, detail, atMs, invocation }) => {
    const { cause, task } = detail as { cause?: string; task?: { id: string } };
    if (type !== "TaskRejected" || cause !== "table-exists" || task?.id !== row["task-id"]) return false;
    return atMs < removedMs || invocation.beganMs > plannedMs;
  });
}

function* foreignViolations(
  rows: readonly TaskRow[],
  { tables, items, fixtures: { before } }: Outcome,
): Iterable<string> {
  const current = items.byName(tables.texts(destination));
  const isUnchanged =
    current.size === before.size && [...current].every(([name, text]) => before.get(name) === text);
  for (const row of rows)
    if (row.accepted) yield `NEW-TABLE: ${taskLabel(row)} was accepted for a table that it did not create`;
  if (!isUnchanged) yield `NEW-TABLE: the items of ${destination.name}, another's table, changed`;
}

/** A setting that is reported as reapplied is applied. */
async function* settingViolations(row: TaskRow, { admin, tables, scenario }: Outcome): AsyncIterable<string> {
  const { arn } = await tables.describe(destination);
  const applied = admin.settingsOf(destination);
  const { settings } = row;
  if (settings === undefined) return yield `NEW-TABLE: ${taskLabel(row)} has no settings`;
  for (const expected of lateSettings(arn))
    if (
      settings[expected.name]?.outcome === "reapplied" &&
      !applied.some((one) => JSON.stringify(one) === JSON.stringify(expected))
    )
      yield `NEW-TABLE: ${taskLabel(row)} reports that ${expected.name} is reapplied, and it is not`;
  const isRefused = settings["tags"]?.outcome === "refused";
  if (!isRefused && (await admin.owner(destination, arn)) !== undefined)
    yield `NEW-TABLE: ${taskLabel(row)} succeeded, and its table still has an owner`;
  // The real adapters describe a table without these settings.
  const isWhole = scenario.kind === "restore" || !scenario.data.realAdapters;
  const wants = (row.request["table-settings"] ?? "all") === "all" && isWhole;
  for (const { name } of wants ? lateSettings(arn) : [])
    if (!/^(reapplied|refused)$/.test(settings[name]?.outcome ?? ""))
      yield `NEW-TABLE: ${taskLabel(row)} reports ${name} as ${settings[name]?.outcome}`;
}
