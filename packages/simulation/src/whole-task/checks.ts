/**
 * What must hold of whole tasks, however they went. Each fault found is one line.
 */

import { lineSpans } from "@ferry/core/archive/data-file";
import { decodeFiles } from "@ferry/core/archive/manifest";
import { pakoCodec } from "@ferry/core/archive/pako-codec";
import type { BackupPlan } from "@ferry/core/events";
import { type Fact, factOf } from "@ferry/core/projection/facts";
import { project } from "@ferry/core/projection/project";
import { announcementOf, isEnded, stateOf, type TaskRow } from "@ferry/core/projection/status";
import { identify } from "@ferry/core/task";
import { bucket } from "@ferry/core/testing/tasks";
import { md5 } from "../memory/ports.ts";
import type { Outcome } from "./run.ts";

const codec = pakoCodec(md5);
const decoder = new TextDecoder();

/** All that is wrong with an outcome. */
export async function faultsOf(outcome: Outcome): Promise<string[]> {
  const rows = await Promise.all(outcome.rows.map((row) => faultsOfRow(row, outcome)));
  const silent = outcome.requests.filter(({ detail, ...event }) => {
    const { task } = identify(detail, event);
    return !outcome.rows.some((row) => row.key === task?.key && row.timestamp === task.timestamp);
  });
  return [...silent.map(({ id }) => `SILENT: request ${id} has no row`), ...rows.flat()];
}

async function faultsOfRow(row: TaskRow, outcome: Outcome): Promise<string[]> {
  const state = stateOf(row);
  const name = `${row.action} ${row["request-id"]}`;
  const found: string[] = [];
  if (!isEnded(state)) found.push(`HANG: ${name} is ${state}`);
  if (!sameInAnyOrder(row, outcome)) found.push(`ORDER: ${name} depends on the order of its facts`);
  if (announcementOf(state) !== undefined && !wasAnnounced(row, outcome))
    found.push(`SILENT: ${name} came to ${state} in attempt ${row.attempt} and nobody was told`);
  if (state !== "succeeded") return found;
  const more = await (row.action === "backup" ? faultsOfArchive(row, outcome) : faultsOfTable(row, outcome));
  return [...found, ...more.map((fault) => `${fault} (${name})`)];
}

/** A success once, whatever attempts are heard of later; else each attempt's end. */
function wasAnnounced(row: TaskRow, { said }: Outcome): boolean {
  return said.some(({ "detail-type": type, detail }) => {
    const { task, attempt } = detail as { task?: { timestamp: number; key: string }; attempt?: number };
    const same =
      task?.key === row.key && task.timestamp === row.timestamp && (row.finished || attempt === row.attempt);
    return same && type === announcementOf(stateOf(row));
  });
}

/** Folded anew, shuffled and with repetitions, the facts give the row that stands. */
function sameInAnyOrder(row: TaskRow, { facts, random }: Outcome): boolean {
  const own = facts
    .map(factOf)
    .filter((fact): fact is Fact => fact?.row.key === row.key && fact.row.timestamp === row.timestamp);
  const mixed = [...own, ...own.filter(() => random() < 0.5)]
    .map((fact) => ({ fact, at: random() }))
    .sort((a, b) => a.at - b.at);
  const joined = mixed.reduce<TaskRow | undefined>(
    (before, { fact }) => (fact.kind === "progressed" ? before : project(before, fact)),
    undefined,
  );
  const comparable = (one: TaskRow | undefined) =>
    JSON.stringify(Object.entries({ ...one, rev: 0 }).sort(([a], [b]) => (a < b ? -1 : 1)));
  return comparable(joined) === comparable(row);
}

async function faultsOfArchive(row: TaskRow, { archive, lasting }: Outcome): Promise<string[]> {
  const prefix = (row.plan as BackupPlan).request["bucket-prefix"];
  const task = await archive.get(bucket, `${prefix}/task.json`);
  // Wiped by hand, and another's now.
  if (task?.head.metadata["request-id"] !== row["request-id"]) return [];
  const manifest = await archive.get(bucket, `${prefix}/manifest-files.json`);
  const summary = await archive.get(bucket, `${prefix}/manifest-summary.json`);
  if (manifest === undefined || summary === undefined) return ["LOST: there is no manifest"];
  const files = decodeFiles(manifest.body);
  const found: string[] = [];
  const stored = archive.keys(bucket).filter((key) => key.startsWith(`${prefix}/0x`));
  if (stored.join() !== files.map((file) => file.dataFileS3Key).join())
    found.push("SEAL: the manifest does not list what is there");
  const lines = (await Promise.all(stored.map((key) => linesOf(archive, key)))).flat();
  const ids = lines.map((line) => (JSON.parse(line) as { Item: { id: { S: string } } }).Item.id.S);
  if (new Set(ids).size !== ids.length) found.push("DUP ITEM: an item is there twice");
  const lost = lasting.filter((n) => !ids.includes(`item-${n}`));
  if (lost.length > 0) found.push(`LOST: items ${lost.join()}`);
  const { itemCount } = JSON.parse(decoder.decode(summary.body)) as { itemCount: number };
  if (row.items !== lines.length || itemCount !== lines.length)
    found.push(`TOTALS: row ${row.items}, manifest ${itemCount}, lines ${lines.length}`);
  return found;
}

async function faultsOfTable(row: TaskRow, { archive, restored }: Outcome): Promise<string[]> {
  const keys = archive.keys(bucket).filter((key) => key.includes("/0x"));
  const lines = (await Promise.all(keys.map((key) => linesOf(archive, key)))).flat().sort();
  const found = restored.map((item) => `{"Item":${decoder.decode(item)}}`).sort();
  if (lines.join() !== found.join()) return [`LOST: ${found.length} of ${lines.length} items were restored`];
  return row.items === lines.length ? [] : [`TOTALS: row ${row.items}, lines ${lines.length}`];
}

async function linesOf(archive: Outcome["archive"], key: string): Promise<string[]> {
  const bytes = await codec.decompress((await archive.get(bucket, key))!.body);
  return lineSpans(bytes).map(({ start, end }) => decoder.decode(bytes.subarray(start, end)));
}
