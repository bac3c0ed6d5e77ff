/**
 * A sealed archive is exactly the table: every item that was there throughout once, with bytes that it really had, in
 * chains without a gap that end once, listed whole, and never changed since.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { bucket } from "@ferry/core/testing/tasks";
import { keyOf, segmentOf } from "@ferry/memory/item-key";
import { type Answers, answersOf } from "./answers.ts";
import { linesOf } from "./data-files.ts";
import type { Outcome } from "./outcome.ts";
import { stateOfRow } from "./projection.ts";
import { nameOf } from "./recorder.ts";
import { batchBytesOf, type DataFile, formatViolations, sizeViolations } from "./sealed.ts";

/** A line of the manifest, as anyone can read it. */
interface Listed {
  readonly dataFileS3Key: string;
  readonly itemCount: number;
}

const decoder = new TextDecoder();

export async function archiveViolations(outcome: Outcome): Promise<string[]> {
  const backups = outcome.status.rows().filter(({ action, accepted }) => action === "backup" && accepted);
  const found = outcome.recorder.borrowed.map((line) => `FOREIGN: ${line}`);
  const answers = answersOf(outcome);
  for (const row of backups) {
    const prefix = String(row.request["bucket-prefix"]);
    const stored = await outcome.archive.get(bucket, `${prefix}/task.json`);
    const owner = stored && (JSON.parse(decoder.decode(stored.body)) as { task: { id: string } }).task.id;
    // Wiped, and another's since.
    if (owner !== `${row.key}@${row.timestamp}`) continue;
    // Someone deletes parts of it.
    if (outcome.operations.disturbed.has(`prefix ${prefix}`)) continue;
    // Sealed, too, by a late worker of the task before: who finds that says so and fails.
    if (outcome.operations.wiped.has(prefix) && stateOfRow(row) !== "succeeded") continue;
    const more = await sealedViolations(row, prefix, answers, outcome);
    found.push(...more.map((violation) => `${violation} (${nameOf(row)})`));
  }
  return found;
}

async function sealedViolations(
  row: TaskRow,
  prefix: string,
  answers: Answers,
  outcome: Outcome,
): Promise<string[]> {
  const { archive, recorder, operations, scenario } = outcome;
  const summary = await archive.get(bucket, `${prefix}/manifest-summary.json`);
  const manifest = await archive.get(bucket, `${prefix}/manifest-files.json`);
  if (summary === undefined || manifest === undefined)
    return stateOfRow(row) === "succeeded" ? ["UNSEALED: it succeeded and has no manifest"] : [];
  const found = stateOfRow(row) === "succeeded" ? mixedViolations(row, outcome) : [];
  const seal = recorder.seals.get(prefix);
  if (!operations.wiped.has(prefix) && !sameContents(seal, archive.contents(bucket, `${prefix}/`)))
    found.push("CHANGED: the archive is another than when it was sealed");
  const all = await dataFiles(prefix, outcome);
  // What a late worker of the task before the wipe put since is in no manifest.
  const isOwn = ({ metadata }: DataFile) => metadata["request-id"] === row["request-id"];
  const files = operations.wiped.has(prefix) ? all.filter(isOwn) : all;
  found.push(...chainViolations(files, row, prefix));
  const listed = decoder
    .decode(manifest.body)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Listed);
  if (listed.map(({ dataFileS3Key: key }) => key).join() !== files.map(({ key }) => key).join())
    found.push(`SEAL: the manifest lists ${listed.length} files, ${files.length} are there`);
  const lines = files.flatMap((file) => file.lines);
  const { itemCount } = JSON.parse(decoder.decode(summary.body)) as { itemCount: number };
  const counted = listed.reduce((sum, { itemCount: items }) => sum + items, 0);
  if (row.items !== lines.length || itemCount !== lines.length || counted !== lines.length)
    found.push(`TOTALS: row ${row.items}, summary ${itemCount}, manifest ${counted}, lines ${lines.length}`);
  // Of a wiped prefix, what its first task put again after the wipe stands beside what it had told before it.
  if (operations.wiped.has(prefix)) return [...found, ...itemViolations(files, row, outcome)];
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  if (stateOfRow(row) === "succeeded" && (row.batches !== files.length || row.bytes !== bytes))
    found.push(
      `TOTALS: row ${row.batches} files of ${row.bytes} bytes, there are ${files.length} of ${bytes}`,
    );
  const asked = answers.requestOf(row);
  if (asked !== undefined && stateOfRow(row) === "succeeded") {
    found.push(...(await formatViolations(row, asked, files, outcome)));
    for (let segment = 0; segment < row.total; segment++) {
      const of = files.filter(({ key }) => key.startsWith(`${prefix}/${hex(segment, 4)}/`));
      const slices = [...recorder.runs.values()].filter(
        ({ work }) => work.segment === segment && work.task?.id === `${row.key}@${row.timestamp}`,
      );
      found.push(...sizeViolations(of, batchBytesOf(row, asked, scenario), slices.length));
    }
  }
  return [...found, ...itemViolations(files, row, outcome)];
}

/**
 * No item twice, each as it was at a moment of the time in which it may have been read, and none left out that was there
 * throughout. An eventually consistent read may also return what was there shortly before it.
 */
function itemViolations(files: readonly DataFile[], row: TaskRow, outcome: Outcome): string[] {
  const { operations, scenario, items } = outcome;
  // Of an archive that was there before there is nothing to compare with: it is the restore's.
  if (scenario.kind === "restore") return [];
  const isConsistent = scenario.backup["consistent-read"] === true;
  const reads = readingTimes(row, outcome, isConsistent ? 0 : scenario.data.stalenessMs);
  const found: string[] = [];
  const names = new Set<string>();
  for (const { key, lines } of files) {
    const { fromMs, untilMs } = reads.ofFile(key);
    for (const line of lines) {
      const text = line.slice('{"Item":'.length, -1);
      const name = items.nameOf(text);
      if (names.has(name)) found.push(`TWICE: item ${name}`);
      names.add(name);
      if (operations.history.was(name, text, fromMs, untilMs)) continue;
      found.push(
        operations.history.was(name, text, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
          ? `STALE: ${line} of ${key} was in the table, but not when it was read`
          : `STRANGE: ${line} was never in the table`,
      );
    }
  }
  const lost = operations.history.names().filter((name) => {
    if (names.has(name)) return false;
    const segment = segmentOf(keyOf(items.key(items.numberOf(name)), scenario.data.keys), row.total);
    const { fromMs, untilMs } = reads.ofSegment(segment);
    return !operations.history.was(name, undefined, fromMs, untilMs);
  });
  if (lost.length > 0) found.push(`LOST: ${lost.length} items: ${lost.slice(0, 5).join()}`);
  return found;
}

/** What was read of a table before it was deleted, and of the one that was created in its place, is no backup of either. */
function mixedViolations(row: TaskRow, { recorder, operations }: Outcome): string[] {
  const untilMs = recorder.history(nameOf(row)).succeededMs ?? 0;
  const scans = recorder.calls.filter(
    ({ task, method, issuedMs }) => task === nameOf(row) && method === "scan" && issuedMs < untilMs,
  );
  const times = scans.map(({ issuedMs }) => issuedMs);
  return operations.actors.recreations
    .filter(({ table, atMs }) => {
      const isBetween = Math.min(...times) < atMs && atMs < Math.max(...times);
      return table === row.request["table-name"] && isBetween;
    })
    .map(({ table }) => `MIXED: ${table} was created anew while it was read`);
}

/** When the items of a task's files and segments were read: from a first scan to a last put. */
function readingTimes(row: TaskRow, { recorder }: Outcome, stalenessMs: number) {
  const calls = recorder.calls.filter(({ task }) => task === nameOf(row));
  const scans = calls.filter(({ method }) => method === "scan");
  const firstMs = (times: readonly number[]) => Math.min(...times) - stalenessMs;
  const storedMs = (key: string) => recorder.storedMs.get(key) ?? Number.POSITIVE_INFINITY;
  const puts = Map.groupBy(
    calls.filter(({ key }) => key !== undefined),
    ({ key }) => key!,
  );
  const scansOf = Map.groupBy(scans, ({ invocation }) => invocation);
  const scansIn = Map.groupBy(scans, ({ segment }) => segment);
  return {
    /** By whichever worker put it: of several that tried one did. */
    ofFile(key: string) {
      const workers = new Set((puts.get(key) ?? []).map(({ invocation }) => invocation));
      const own = [...workers].flatMap((worker) => scansOf.get(worker) ?? []);
      return { fromMs: firstMs(own.map(({ issuedMs }) => issuedMs)), untilMs: storedMs(key) };
    },
    ofSegment(segment: number) {
      const keys = calls.filter((call) => call.segment === segment && call.key !== undefined);
      return {
        fromMs: firstMs((scansIn.get(segment) ?? []).map(({ issuedMs }) => issuedMs)),
        untilMs: Math.max(...keys.map(({ key }) => storedMs(key!))),
      };
    },
  };
}

/** Each segment's files are numbered without a gap, end with the one `end`, and are the task's own. */
function chainViolations(files: readonly DataFile[], row: TaskRow, prefix: string): string[] {
  const found: string[] = [];
  const rest = new Map(files.map((file) => [file.key, file]));
  for (let segment = 0; segment < row.total; segment++) {
    let ended = false;
    for (let batch = 0; !ended; batch++) {
      const key = `${prefix}/${hex(segment, 4)}/${hex(batch, 8)}.json.gz`;
      const file = rest.get(key);
      if (file === undefined) {
        found.push(`CHAIN: segment ${segment} has no end: ${key} is not there`);
        break;
      }
      rest.delete(key);
      const { "request-id": owner, items, end } = file.metadata;
      if (owner !== row["request-id"]) found.push(`FOREIGN: ${key} is ${owner}'s`);
      if (Number(items) !== file.lines.length)
        found.push(`CHAIN: ${key} says ${items} items and has ${file.lines.length}`);
      if (file.lines.length === 0 && end !== "true") found.push(`CHAIN: ${key} is empty and no end`);
      ended = end === "true";
    }
  }
  for (const key of rest.keys()) found.push(`CHAIN: ${key} belongs to no chain`);
  return found;
}

function hex(value: number, width: number): string {
  return `0x${value.toString(16).padStart(width, "0")}`;
}

async function dataFiles(prefix: string, { archive }: Outcome): Promise<DataFile[]> {
  const keys = archive.keys(bucket).filter((key) => key.startsWith(`${prefix}/0x`));
  return Promise.all(
    keys.map(async (key) => {
      const { body, head } = (await archive.get(bucket, key))!;
      return { key, lines: linesOf(body), body, etag: head.etag, metadata: head.metadata };
    }),
  );
}

function sameContents(a: ReadonlyMap<string, string> | undefined, b: ReadonlyMap<string, string>): boolean {
  return a !== undefined && JSON.stringify([...a]) === JSON.stringify([...b]);
}
