/**
 * When its task has finished, a restored table holds exactly the archive's items and those that its mode keeps. Items that
 * the application wrote since are not overwritten.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { valuesOf } from "@ferry/memory/item-values";
import { backupRequest } from "@ferry/memory/testing/tasks";
import { readRawJson } from "../cloud/dynamodb/raw-json.ts";
import type { ArchiveModel } from "../scenario/archives.ts";
import { destinations } from "../scenario/fixtures.ts";
import { OTHER_PREFIX } from "../scenario/other-archive.ts";
import { dataFilesOf, itemOfLine } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { attributesOf, stateOfRow } from "./projection.ts";
import { type CompletedWrite, taskLabel } from "./recorder.ts";
import { taskName } from "./recount.ts";
import { onlyOf, selectedOf } from "./selected.ts";

const decoder = new TextDecoder();

export async function* tableViolations(outcome: Outcome): AsyncIterable<string> {
  const restores = outcome.status
    .rows()
    .filter((row) => row.action === "restore" && stateOfRow(row) === "succeeded");
  yield* rejectionViolations(outcome);
  for (const row of restores) yield* restoredViolations(row, outcome);
  for (const { name } of destinations) yield* applicationViolations(name, outcome);
}

async function* restoredViolations(row: TaskRow, outcome: Outcome): AsyncIterable<string> {
  const { fixtures, scenario, finished, operations } = outcome;
  const { fault } = scenario.data.source;
  const isOther = row.request["bucket-prefix"] === OTHER_PREFIX;
  if (fault !== undefined && !isOther)
    return yield `ACCEPTED: ${taskLabel(row)} succeeded with an archive that has this fault: ${fault}`;
  const table = String(row.request["table-name"]);
  const snapshot = finished.get(taskName(row));
  if (snapshot === undefined) return yield `FINISHED: ${taskLabel(row)} succeeded without a TaskFinished`;
  const isRecreated = operations.actors.recreations.some(
    (one) => one.table === table && one.atMs >= snapshot.fromMs && one.atMs <= snapshot.atMs,
  );
  // The last step read the table before it was created again.
  if (isRecreated) return;
  const current = snapshot.items;
  const stored = isOther ? outcome.otherArchiveVersions : [fixtures.source ?? (await readArchive(outcome))];
  const versions = stored.map((version) => selectedOf(version, row, outcome));
  const isNew = operations.actors.recreations.some(
    (one) => one.table === table && one.atMs < snapshot.fromMs,
  );
  const held = table === destinations[0]!.name && !isNew ? fixtures.before : new Map<string, string>();
  const mode = String(row.request["restore-mode"] ?? "empty-only");
  // Other writers, whose texts may replace this archive's.
  const otherWrites = mode === "empty-only" ? [] : otherWritesTo(row, table, outcome);
  const texts = new Set<string>();
  const written = writtenBy(outcome);
  for (const write of otherWrites) for (const text of putsOf(write)) texts.add(written(text));
  for (const text of operations.applicationTexts.get(table) ?? []) texts.add(written(text));
  const failures = versions.map((version) => differences(version, held, current, mode, texts, outcome));
  const least = failures.sort((a, b) => a.length - b.length)[0]!;
  yield* least.slice(0, 3).map((failure) => `${failure} (${taskLabel(row)})`);
  if (versions.every(({ lines }) => lines !== row.items))
    yield `TOTALS: ${taskLabel(row)} has ${row.items} items, the archive has ${versions[0]!.lines}`;
  const matched = attributesOf(row)["matched-items"];
  // The exports of a series may have several lines of one key.
  const isPossible = ({ items, lines }: ArchiveModel) =>
    scenario.data.source.series === undefined || onlyOf(row) === undefined
      ? matched === (onlyOf(row) && items.size)
      : Number(matched) >= items.size && Number(matched) <= lines;
  if (!versions.some(isPossible))
    yield `MATCHED: ${taskLabel(row)} has ${matched} matched items, its only selects ${versions[0]!.items.size}`;
  const skipped = Number(attributesOf(row)["skipped-items"]);
  const isAlone =
    !otherWritesTo(row, table, outcome).some(({ atMs }) => atMs <= snapshot.atMs) &&
    (operations.firstUseMs.get(table) ?? Number.POSITIVE_INFINITY) > snapshot.atMs;
  if (isAlone && !versions.some((version) => skippedOf(version, held, mode) === skipped))
    yield `SKIPPED: ${taskLabel(row)} has ${skipped} skipped items, the table had ${skippedOf(versions[0]!, held, mode)} of their keys`;
}

/** How many items of an archive are skipped because their key is taken, if nothing else writes to the table. */
function skippedOf(version: ArchiveModel, held: ReadonlyMap<string, string>, mode: string): number {
  if (mode !== "if-absent") return 0;
  return [...version.items].filter(([name, text]) => {
    const before = held.get(name);
    return before !== undefined && text !== undefined && valuesOf(before) !== valuesOf(text);
  }).length;
}

/**
 * Normalizes an item's text for comparison: a PartiQL statement re-encodes attribute names and keeps the bytes of values.
 */
function writtenBy({ scenario }: Outcome): (text: string) => string {
  if (!scenario.data.realAdapters) return (text) => text;
  return (text) => {
    const members = [...readRawJson(text).members];
    return `{${members.map(([name, { source }]) => `${JSON.stringify(name)}:${source}`).join(",")}}`;
  };
}

/** The differences from one version of an archive. `texts`: what other tasks and the application wrote. */
function differences(
  version: ArchiveModel,
  held: ReadonlyMap<string, string>,
  current: ReadonlyMap<string, string>,
  mode: string,
  texts: ReadonlySet<string>,
  outcome: Outcome,
): string[] {
  const { operations } = outcome;
  const written = writtenBy(outcome);
  const found: string[] = [];
  const expected = new Map<string, string | undefined>(held);
  for (const [name, text] of version.items)
    if (mode !== "if-absent" || !held.has(name)) expected.set(name, text);
  // A restore with if-absent may put an item again that the application deleted.
  const isText = (is: string, text: string | undefined) =>
    is === text || (text !== undefined && written(is) === written(text));
  const isGoneOrArchived = (is: string | undefined, name: string) =>
    is === undefined || isText(is, version.items.get(name));
  for (const [name, text] of expected) {
    const is = current.get(name);
    if (
      is === text ||
      (is !== undefined && (isText(is, text) || texts.has(written(is)))) ||
      (operations.applicationDeletes.has(name) && isGoneOrArchived(is, name))
    )
      continue;
    found.push(`LOST: item ${name} is ${is ?? "absent"}, not ${text ?? "absent"}`);
  }
  for (const [name, text] of current)
    if (!expected.has(name) && !texts.has(written(text))) found.push(`UNKNOWN: item ${name} is in the table`);
  return found;
}

/** Writes of other tasks on the table. */
function otherWritesTo(row: TaskRow, table: string, { recorder }: Outcome): readonly CompletedWrite[] {
  return recorder.completedWrites.filter((write) => write.table === table && write.task !== taskName(row));
}

function putsOf({ writes }: CompletedWrite): string[] {
  return writes.flatMap((write) => ("put" in write ? [decoder.decode(write.put)] : []));
}

/** The archive of this run's backup. */
async function readArchive({ archive, items }: Outcome): Promise<ArchiveModel> {
  const files = await dataFilesOf(backupRequest["bucket-prefix"], archive);
  const texts = files.flatMap(({ lines }) => lines).map(itemOfLine);
  return { items: items.byName(texts), lines: texts.length };
}

/** A valid archive and table are not rejected. */
function* rejectionViolations({ scenario, recorder, operations }: Outcome): Iterable<string> {
  if (scenario.kind === "backup" || scenario.data.source.fault !== undefined || operations.disturbed.size > 0)
    return;
  for (const { "detail-type": type, detail } of recorder.events) {
    const { cause } = detail as { cause?: string };
    if ((type === "TaskRejected" || type === "SegmentFailed") && ARCHIVE_CAUSES.test(String(cause)))
      yield `REJECTED: a valid archive, for ${cause}`;
  }
}

/** Causes that Ferry reports for broken archives, and for tables that do not match them. */
const ARCHIVE_CAUSES =
  /^(broken-manifest|broken-archive|unknown-format|archive-moved|archive-changed|corrupt-file|key-schema-mismatch|only-mismatch|mode-not-possible|totals-differ|duplicate-key)$/;

/** Items that the application wrote to a restored table are not overwritten, except as `mayBeOverwritten` says. */
function* applicationViolations(table: string, outcome: Outcome): Iterable<string> {
  const { tables, items, operations } = outcome;
  const after = operations.applicationItems.get(table);
  const address = destinations.find(({ name }) => name === table)!;
  if (after === undefined || operations.actors.recreations.some((one) => one.table === table)) return;
  const current = items.byName(tables.texts(address));
  for (const [name, { text, atMs }] of after)
    if (current.get(name) !== text && !mayBeOverwritten(table, name, text, atMs, outcome))
      yield `OVERWRITTEN: item ${name} of ${table} is ${current.get(name) ?? "absent"}, not ${text ?? "absent"}`;
}

/**
 * A restore that merges may overwrite until it ends. A write may also overwrite if it was issued before its worker's next
 * poll (cancellation-latency.ts checks that bound). An item that the application deleted is absent, so a conditional put may
 * store it again. `text`: what the application wrote; undefined if it deleted the item.
 */
function mayBeOverwritten(
  table: string,
  name: string,
  text: string | undefined,
  atMs: number,
  outcome: Outcome,
): boolean {
  const { recorder, items, status } = outcome;
  return recorder.completedWrites.some((write) => {
    if (write.table !== table || write.atMs < atMs) return false;
    if (!putsOf(write).some((text) => items.nameOf(text) === name) && !write.writes.some(isRemoval))
      return false;
    const row = status.rows().find((one) => taskName(one) === write.task);
    if (row === undefined) return true;
    if (row.request["restore-mode"] === "merge") return true;
    // The changes of a series are applied, also in a retry.
    if (write.plan?.increments !== undefined) return true;
    const isConditional = row.request["restore-mode"] === "if-absent" || write.attempt > 1;
    if (text === undefined && isConditional) return true;
    // A retry does not overwrite what is in the table by then; a late worker of an earlier attempt may.
    return write.attempt <= recorder.attemptAt(write.task, atMs);
  });
}

function isRemoval(write: CompletedWrite["writes"][number]): boolean {
  return "remove" in write;
}
