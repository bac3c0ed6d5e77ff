/**
 * A restored table holds exactly the archive, besides what its mode leaves, and what the application wrote since stays.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { bucket, destination } from "@ferry/core/testing/tasks";
import { linesOf } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { stateOfRow } from "./seen.ts";
import { nameOf } from "./witness.ts";

const decoder = new TextDecoder();

export async function tableViolations(outcome: Outcome): Promise<string[]> {
  const restores = outcome.status
    .rows()
    .filter((row) => row.action === "restore" && stateOfRow(row) === "succeeded");
  const found: string[] = [];
  for (const row of restores) found.push(...(await restoredViolations(row, outcome)));
  return found;
}

async function restoredViolations(row: TaskRow, outcome: Outcome): Promise<string[]> {
  const { archive, tables, people, before, scenario } = outcome;
  const { nameOf: nameOfItem } = outcome.items;
  const keys = archive.keys(bucket).filter((key) => key.startsWith("backups/one/0x"));
  const bodies = await Promise.all(keys.map(async (key) => (await archive.get(bucket, key))!.body));
  const archived = bodies.flatMap(linesOf).map((line) => line.slice('{"Item":'.length, -1));
  const expected = new Map<string, string | undefined>(before);
  for (const text of archived)
    if (scenario.restore["restore-mode"] !== "if-absent" || !before.has(nameOfItem(text)))
      expected.set(nameOfItem(text), text);
  for (const [name, { text }] of people.after) expected.set(name, text);
  const there = new Map(
    tables.items(destination).map((bytes) => {
      const text = decoder.decode(bytes);
      return [nameOfItem(text), text];
    }),
  );
  const found: string[] = [];
  if (row.items !== archived.length)
    found.push(`TOTALS: ${nameOf(row)} says ${row.items} items, the archive has ${archived.length}`);
  for (const [name, text] of expected) {
    if (there.get(name) === text || wasOverwritten(name, outcome)) continue;
    const what = people.after.has(name) ? "OVERWRITTEN" : "LOST";
    found.push(`${what}: item ${name} is ${there.get(name) ?? "not there"}, not ${text ?? "away"}`);
  }
  for (const name of there.keys())
    if (!expected.has(name)) found.push(`STRANGE: item ${name} is in the table`);
  return found;
}

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
