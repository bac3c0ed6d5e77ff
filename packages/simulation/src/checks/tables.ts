/**
 * A restored table holds exactly the archive, besides what its mode leaves, and what the application wrote since stays.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { bucket, destination } from "@ferry/core/testing/tasks";
import type { ArchiveModel } from "../scenario/archives.ts";
import { linesOf } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { stateOfRow } from "./seen.ts";
import { nameOf } from "./witness.ts";

const decoder = new TextDecoder();

export async function tableViolations(outcome: Outcome): Promise<string[]> {
  const restores = outcome.status
    .rows()
    .filter((row) => row.action === "restore" && stateOfRow(row) === "succeeded");
  const found = refusalViolations(outcome);
  for (const row of restores) found.push(...(await restoredViolations(row, outcome)));
  return found;
}

async function restoredViolations(row: TaskRow, outcome: Outcome): Promise<string[]> {
  const { tables, people, before, scenario } = outcome;
  const { nameOf: nameOfItem } = outcome.items;
  const { fault } = scenario.data.source;
  if (fault !== undefined)
    return [`ACCEPTED: ${nameOf(row)} succeeded of an archive with this fault: ${fault}`];
  const archived = outcome.source ?? (await readArchive(outcome));
  const expected = new Map<string, string | undefined>(before);
  for (const [name, text] of archived.items)
    if (scenario.restore["restore-mode"] !== "if-absent" || !before.has(name)) expected.set(name, text);
  for (const [name, { text }] of people.after) expected.set(name, text);
  const there = new Map(
    tables.items(destination).map((bytes) => {
      const text = decoder.decode(bytes);
      return [nameOfItem(text), text];
    }),
  );
  const found: string[] = [];
  if (row.items !== archived.lines)
    found.push(`TOTALS: ${nameOf(row)} says ${row.items} items, the archive has ${archived.lines}`);
  for (const [name, text] of expected) {
    if (there.get(name) === text || wasOverwritten(name, outcome)) continue;
    const what = people.after.has(name) ? "OVERWRITTEN" : "LOST";
    found.push(`${what}: item ${name} is ${there.get(name) ?? "not there"}, not ${text ?? "away"}`);
  }
  for (const name of there.keys())
    if (!expected.has(name)) found.push(`STRANGE: item ${name} is in the table`);
  return found;
}

/** What a backup of this run left in the archive. */
async function readArchive({ archive, items }: Outcome): Promise<ArchiveModel> {
  const keys = archive.keys(bucket).filter((key) => key.startsWith("backups/one/0x"));
  const bodies = await Promise.all(keys.map(async (key) => (await archive.get(bucket, key))!.body));
  const texts = bodies.flatMap(linesOf).map((line) => line.slice('{"Item":'.length, -1));
  return { items: new Map(texts.map((text) => [items.nameOf(text), text])), lines: texts.length };
}

/** Nothing is said against an archive and a table that are sound. */
function refusalViolations({ scenario, witness }: Outcome): string[] {
  if (scenario.kind === "backup" || scenario.data.source.fault !== undefined) return [];
  const causes = witness.events
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

/**
 * The window that remains: a write was issued while its worker could not know better (promptness.ts sees to that) and
 * came to the table after the application's.
 */
function wasOverwritten(name: string, { people, witness, items }: Outcome): boolean {
  const after = people.after.get(name);
  return (
    after !== undefined &&
    witness.landings.some(
      ({ atMs, writes }) =>
        atMs >= after.atMs &&
        writes.some((write) => "put" in write && items.nameOf(decoder.decode(write.put)) === name),
    )
  );
}
