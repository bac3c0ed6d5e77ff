/**
 * A restored table holds exactly the archive when its task has finished, besides what its mode leaves, and what the
 * application wrote since stays.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { bucket } from "@ferry/core/testing/tasks";
import { valuesOf } from "@ferry/memory/item-values";
import { readRawJson } from "../cloud/dynamodb/raw-json.ts";
import type { ArchiveModel } from "../scenario/archives.ts";
import { destinations } from "../scenario/fixtures.ts";
import { OTHER_PREFIX } from "../scenario/other-archive.ts";
import { linesOf } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { attributesOf, stateOfRow } from "./projection.ts";
import { type Landing, nameOf } from "./recorder.ts";
import { taskName } from "./recount.ts";

const decoder = new TextDecoder();

export async function tableViolations(outcome: Outcome): Promise<string[]> {
  const restores = outcome.status
    .rows()
    .filter((row) => row.action === "restore" && stateOfRow(row) === "succeeded");
  const found = refusalViolations(outcome);
  for (const row of restores) found.push(...(await restoredViolations(row, outcome)));
  for (const { name } of destinations) found.push(...usedViolations(name, outcome));
  return found.slice(0, VIOLATIONS_MAX);
}

const VIOLATIONS_MAX = 20;

async function restoredViolations(row: TaskRow, outcome: Outcome): Promise<string[]> {
  const { before, scenario, finished, operations } = outcome;
  const { fault } = scenario.data.source;
  const isOther = row.request["bucket-prefix"] === OTHER_PREFIX;
  if (fault !== undefined && !isOther)
    return [`ACCEPTED: ${nameOf(row)} succeeded of an archive with this fault: ${fault}`];
  const table = String(row.request["table-name"]);
  const snapshot = finished.get(taskName(row));
  if (snapshot === undefined) return [`FINISHED: ${nameOf(row)} succeeded and nothing said so`];
  const isRecreated = operations.actors.recreations.some(
    (one) => one.table === table && one.atMs >= snapshot.fromMs && one.atMs <= snapshot.atMs,
  );
  // Its last look at the table was before.
  if (isRecreated) return [];
  const { there } = snapshot;
  const versions = isOther ? outcome.otherVersions : [outcome.source ?? (await readArchive(outcome))];
  const isNew = operations.actors.recreations.some(
    (one) => one.table === table && one.atMs < snapshot.fromMs,
  );
  const held = table === destinations[0]!.name && !isNew ? before : new Map<string, string>();
  const mode = String(row.request["restore-mode"] ?? "empty-only");
  // What else may have written, whose texts may stand in place of this archive's.
  const prefixConflicts = mode === "empty-only" ? [] : rivalsOf(row, table, outcome);
  const texts = new Set<string>();
  const written = writtenBy(outcome);
  for (const landing of prefixConflicts) for (const text of putsOf(landing)) texts.add(written(text));
  for (const text of operations.applicationTexts.get(table) ?? []) texts.add(written(text));
  const failures = versions.map((version) => differences(version, held, there, mode, texts, outcome));
  const least = failures.sort((a, b) => a.length - b.length)[0]!;
  const found = least.slice(0, 3).map((failure) => `${failure} (${nameOf(row)})`);
  if (versions.every(({ lines }) => lines !== row.items))
    found.push(`TOTALS: ${nameOf(row)} says ${row.items} items, the archive has ${versions[0]!.lines}`);
  const skipped = Number(attributesOf(row)["skipped-items"]);
  const isAlone =
    !rivalsOf(row, table, outcome).some(({ atMs }) => atMs <= snapshot.atMs) &&
    (operations.firstUsesMs.get(table) ?? Number.POSITIVE_INFINITY) > snapshot.atMs;
  if (isAlone && !versions.some((version) => skippedOf(version, held, mode) === skipped))
    found.push(
      `SKIPPED: ${nameOf(row)} says that ${skipped} items were skipped, the table had ${skippedOf(versions[0]!, held, mode)} of their keys`,
    );
  return found;
}

/** How many items of an archive found another item with their key, where nobody else writes to the table. */
function skippedOf(version: ArchiveModel, held: ReadonlyMap<string, string>, mode: string): number {
  if (mode !== "if-absent") return 0;
  return [...version.items].filter(([name, text]) => {
    const before = held.get(name);
    return before !== undefined && text !== undefined && valuesOf(before) !== valuesOf(text);
  }).length;
}

/**
 * An item's text as it is compared: a PartiQL statement names attributes anew, and carries each value's bytes as they are.
 */
function writtenBy({ scenario }: Outcome): (text: string) => string {
  if (!scenario.data.realAdapters) return (text) => text;
  return (text) => {
    const members = [...readRawJson(text).members];
    return `{${members.map(([name, { source }]) => `${JSON.stringify(name)}:${source}`).join(",")}}`;
  };
}

/** What differs from one version of an archive. `texts`: what others wrote, or the application. */
function differences(
  version: ArchiveModel,
  held: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
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
  // What the application deleted a restore with if-absent may put again.
  const isText = (is: string, text: string | undefined) =>
    is === text || (text !== undefined && written(is) === written(text));
  const isGoneOrArchived = (is: string | undefined, name: string) =>
    is === undefined || isText(is, version.items.get(name));
  for (const [name, text] of expected) {
    const is = there.get(name);
    if (
      is === text ||
      (is !== undefined && (isText(is, text) || texts.has(written(is)))) ||
      (operations.applicationDeletes.has(name) && isGoneOrArchived(is, name))
    )
      continue;
    found.push(`LOST: item ${name} is ${is ?? "not there"}, not ${text ?? "away"}`);
  }
  for (const [name, text] of there)
    if (!expected.has(name) && !texts.has(written(text))) found.push(`STRANGE: item ${name} is in the table`);
  return found;
}

/** Writes of other tasks on the table: none, where the mode promises that it is alone on it. */
function rivalsOf(row: TaskRow, table: string, { recorder }: Outcome): readonly Landing[] {
  return recorder.landings.filter((landing) => landing.table === table && landing.task !== taskName(row));
}

function putsOf({ writes }: Landing): string[] {
  return writes.flatMap((write) => ("put" in write ? [decoder.decode(write.put)] : []));
}

/** What a backup of this run left in the archive. */
async function readArchive({ archive, items }: Outcome): Promise<ArchiveModel> {
  const keys = archive.keys(bucket).filter((key) => key.startsWith("backups/one/0x"));
  const bodies = await Promise.all(keys.map(async (key) => (await archive.get(bucket, key))!.body));
  const texts = bodies.flatMap(linesOf).map((line) => line.slice('{"Item":'.length, -1));
  return { items: new Map(texts.map((text) => [items.nameOf(text), text])), lines: texts.length };
}

/** Nothing is said against an archive and a table that are sound. */
function refusalViolations({ scenario, recorder, operations }: Outcome): string[] {
  if (scenario.kind === "backup" || scenario.data.source.fault !== undefined || operations.disturbed.size > 0)
    return [];
  const causes = recorder.events
    .filter(({ "detail-type": type }) => type === "TaskRejected" || type === "SegmentFailed")
    .map(({ detail }) => String((detail as { cause?: string }).cause));
  return causes
    .filter((cause) => REFUSALS.test(cause))
    .slice(0, 1)
    .map((cause) => `REFUSED: a sound archive, for ${cause}`);
}

/** What Ferry says of archives, and of tables that they do not fit. */
const REFUSALS =
  /^(broken-manifest|broken-archive|unknown-format|archive-moved|archive-changed|corrupt-file|key-schema-mismatch|mode-not-possible|totals-differ|duplicate-key)$/;

/** What the application wrote to a table stays, unless a write that may still come came over it. */
function usedViolations(table: string, outcome: Outcome): string[] {
  const { tables, items, operations } = outcome;
  const after = operations.after.get(table);
  const address = destinations.find(({ name }) => name === table)!;
  if (after === undefined || operations.actors.recreations.some((one) => one.table === table)) return [];
  const there = new Map(
    tables.items(address).map((bytes) => {
      const text = decoder.decode(bytes);
      return [items.nameOf(text), text];
    }),
  );
  const found: string[] = [];
  for (const [name, { text, atMs }] of after)
    if (there.get(name) !== text && !mayBeOverwritten(table, name, text, atMs, outcome))
      found.push(
        `OVERWRITTEN: item ${name} of ${table} is ${there.get(name) ?? "not there"}, not ${text ?? "away"}`,
      );
  return found.slice(0, 3);
}

/**
 * By a restore that merges, as long as it is not over; and in the window that remains: by a write that was issued while its
 * worker could not know better (promptness.ts sees to that). An item that the application deleted is absent, so a
 * conditional put may store it again. `text`: what the application wrote; absent where it deleted the item.
 */
function mayBeOverwritten(
  table: string,
  name: string,
  text: string | undefined,
  atMs: number,
  outcome: Outcome,
): boolean {
  const { recorder, items, status } = outcome;
  return recorder.landings.some((landing) => {
    if (landing.table !== table || landing.atMs < atMs) return false;
    if (!putsOf(landing).some((text) => items.nameOf(text) === name) && !landing.writes.some(isRemoval))
      return false;
    const row = status.rows().find((one) => taskName(one) === landing.task);
    if (row === undefined) return true;
    if (row.request["restore-mode"] === "merge") return true;
    const isConditional = row.request["restore-mode"] === "if-absent" || landing.attempt > 1;
    if (text === undefined && isConditional) return true;
    // A retry knows of what is in the table by then; a late worker of an attempt that was under way does not.
    return landing.attempt <= recorder.attemptAt(landing.task, atMs);
  });
}

function isRemoval(write: Landing["writes"][number]): boolean {
  return "remove" in write;
}
