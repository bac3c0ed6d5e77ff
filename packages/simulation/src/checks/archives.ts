/**
 * A sealed archive is exactly the table: it has every item that was present throughout once, with bytes that the item had, in
 * chains without a gap and with one end. Its manifest lists all files, and it never changes.
 */
import type { TaskRow } from "@ferry/core/projection/status";
import { keyOf, segmentOf } from "@ferry/memory/item-key";
import { bucket } from "@ferry/memory/testing/tasks";
import type { Answers } from "./answers.ts";
import { bytesOf, type DataFile, dataFilesOf, hex, itemOfLine } from "./data-files.ts";
import { hasDeletedRow, type Outcome } from "./outcome.ts";
import { stateOfRow } from "./projection.ts";
import { taskLabel } from "./recorder.ts";
import { taskName } from "./recount.ts";
import { batchBytesOf, formatViolations, sizeViolations } from "./sealed.ts";

/** A line of the manifest. */
interface Listed {
  readonly dataFileS3Key: string;
  readonly itemCount: number;
}

const decoder = new TextDecoder();

export async function* archiveViolations(outcome: Outcome, answers: Answers): AsyncIterable<string> {
  const backups = outcome.status.rows().filter(({ action, accepted }) => action === "backup" && accepted);
  yield* outcome.recorder.foreignFileCompletions.map((line) => `FOREIGN: ${line}`);
  for (const row of backups) {
    const prefix = String(row.request["bucket-prefix"]);
    const stored = await outcome.archive.get(bucket, `${prefix}/task.json`);
    const owner = stored && (JSON.parse(decoder.decode(stored.body)) as { task: TaskRow }).task;
    // An actor deleted objects of it.
    if (outcome.operations.disturbed.has(`prefix ${prefix}`)) continue;
    if (owner !== undefined && taskName(owner) !== taskName(row)) {
      // Only a wiped prefix can belong to another task after this one.
      if (stateOfRow(row) === "succeeded" && !outcome.operations.wiped.has(prefix))
        yield `FOREIGN: ${taskLabel(row)} succeeded, and ${prefix} belongs to ${taskName(owner)}`;
      continue;
    }
    // A late worker of the earlier task may have sealed it, too: then the task fails for that.
    if (outcome.operations.wiped.has(prefix) && stateOfRow(row) !== "succeeded") continue;
    for await (const violation of sealedViolations(row, prefix, answers, outcome))
      yield `${violation} (${taskLabel(row)})`;
  }
}

async function* sealedViolations(
  row: TaskRow,
  prefix: string,
  answers: Answers,
  outcome: Outcome,
): AsyncIterable<string> {
  const { archive, recorder, operations, scenario } = outcome;
  const summary = await archive.get(bucket, `${prefix}/manifest-summary.json`);
  const manifest = await archive.get(bucket, `${prefix}/manifest-files.json`);
  const hasSucceeded = stateOfRow(row) === "succeeded";
  if (summary === undefined || manifest === undefined) {
    if (hasSucceeded) yield "UNSEALED: it succeeded and has no manifest";
    return;
  }
  if (hasSucceeded) yield* mixedViolations(row, outcome);
  const seal = recorder.seals.get(prefix);
  if (!operations.wiped.has(prefix) && !sameContents(seal, archive.contents(bucket, `${prefix}/`)))
    yield "CHANGED: the archive is another than when it was sealed";
  const all = await dataFilesOf(prefix, archive);
  // Files that a late worker of the earlier task put after the wipe are in no manifest.
  const isOwn = ({ metadata }: DataFile) => metadata["request-id"] === row["request-id"];
  const files = operations.wiped.has(prefix) ? all.filter(isOwn) : all;
  yield* chainViolations(files, row, prefix, extensionOf(row, outcome));
  const listed = decoder
    .decode(manifest.body)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Listed);
  if (listed.map(({ dataFileS3Key: key }) => key).join() !== files.map(({ key }) => key).join())
    yield `SEAL: the manifest lists ${listed.length} files, the bucket has ${files.length}`;
  const lines = files.flatMap((file) => file.lines);
  const { itemCount } = JSON.parse(decoder.decode(summary.body)) as { itemCount: number };
  const counted = listed.reduce((sum, { itemCount: items }) => sum + items, 0);
  const isWhole = !hasDeletedRow(row, outcome);
  if ((isWhole && row.items !== lines.length) || itemCount !== lines.length || counted !== lines.length)
    yield `TOTALS: row ${row.items}, summary ${itemCount}, manifest ${counted}, lines ${lines.length}`;
  yield* itemViolations(files, row, outcome);
  // On a wiped prefix, the row of the first task also counts what was wiped.
  if (operations.wiped.has(prefix)) return;
  const bytes = files.reduce((sum, file) => sum + bytesOf(file), 0);
  if (isWhole && hasSucceeded && (row.batches !== files.length || row.bytes !== bytes))
    yield `TOTALS: row ${row.batches} files of ${row.bytes} bytes, the bucket has ${files.length} of ${bytes}`;
  const request = answers.requestOf(row);
  if (request !== undefined && hasSucceeded) {
    yield* await formatViolations(row, request, files, outcome);
    for (let segment = 0; segment < row.total; segment++) {
      const of = files.filter(({ key }) => key.startsWith(`${prefix}/0x${hex(segment, 4)}/`));
      const slices = [...recorder.invocations.values()].filter(
        ({ work }) =>
          work.segment === segment && work.task !== undefined && taskName(work.task) === taskName(row),
      );
      yield* sizeViolations(of, batchBytesOf(row, request, scenario), scenario, slices.length);
    }
  }
}

/**
 * No item is stored twice, each has a text that it had while it may have been read, and no item is missing that was present
 * throughout. An eventually consistent read may also return a text from shortly before it.
 */
function* itemViolations(files: readonly DataFile[], row: TaskRow, outcome: Outcome): Iterable<string> {
  const { operations, scenario, items } = outcome;
  // The archive of a restore without a backup comes from the fixtures.
  if (scenario.kind === "restore") return;
  const isConsistent = scenario.backup["consistent-read"] === true;
  const reads = readingTimes(row, outcome, isConsistent ? 0 : scenario.data.stalenessMs);
  const names = new Set<string>();
  for (const { key, lines } of files) {
    const { fromMs, untilMs } = reads.ofFile(key);
    for (const line of lines) {
      const text = itemOfLine(line);
      const name = nameIn(text, items);
      if (name === undefined) {
        yield `UNREADABLE: ${line} of ${key} has no key of the table`;
        continue;
      }
      if (names.has(name)) yield `DUPLICATE: item ${name}`;
      names.add(name);
      if (operations.history.was(name, text, fromMs, untilMs)) continue;
      yield operations.history.was(name, text, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
        ? `STALE: ${line} of ${key} was in the table, but not when it was read`
        : `UNKNOWN: ${line} was never in the table`;
    }
  }
  const lost = operations.history.names().filter((name) => {
    if (names.has(name)) return false;
    const segment = segmentOf(keyOf(items.key(items.numberOf(name)), scenario.data.keys), row.total);
    const { fromMs, untilMs } = reads.ofSegment(segment);
    return !operations.history.was(name, undefined, fromMs, untilMs);
  });
  if (lost.length > 0) yield `LOST: ${lost.length} items: ${lost.slice(0, 5).join()}`;
}

/** The name of an item; undefined if the text is not an item of the table, for instance because a byte of it is damaged. */
function nameIn(text: string, items: Outcome["items"]): string | undefined {
  try {
    return items.nameOf(text);
  } catch {
    return undefined;
  }
}

/** A backup that succeeded did not read both a table and the table that was created in its place. */
function* mixedViolations(row: TaskRow, { recorder, operations }: Outcome): Iterable<string> {
  const untilMs = recorder.history(taskLabel(row)).succeededMs ?? 0;
  const scans = recorder.calls.filter(
    ({ task, method, issuedMs }) => task === taskLabel(row) && method === "scan" && issuedMs < untilMs,
  );
  const times = scans.map(({ issuedMs }) => issuedMs);
  for (const { table, atMs } of operations.actors.recreations) {
    const isBetween = Math.min(...times) < atMs && atMs < Math.max(...times);
    if (table === row.request["table-name"] && isBetween)
      yield `MIXED: ${table} was created again while it was read`;
  }
}

/** When the items of a task's files and segments were read: between the first scan and the last put. */
function readingTimes(row: TaskRow, { recorder }: Outcome, stalenessMs: number) {
  const calls = recorder.calls.filter(({ task }) => task === taskLabel(row));
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
    /** By any worker that tried to put it. */
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

/** Each segment's files are numbered without a gap, only the last has `end`, and all belong to the task. */
function* chainViolations(
  files: readonly DataFile[],
  row: TaskRow,
  prefix: string,
  extension: string,
): Iterable<string> {
  const rest = new Map(files.map((file) => [file.key, file]));
  for (let segment = 0; segment < row.total; segment++) {
    let ended = false;
    for (let batch = 0; !ended; batch++) {
      const key = `${prefix}/0x${hex(segment, 4)}/0x${hex(batch, 8)}.json.${extension}`;
      const file = rest.get(key);
      if (file === undefined) {
        yield `CHAIN: segment ${segment} has no end: ${key} is missing`;
        break;
      }
      rest.delete(key);
      const { "request-id": owner, items, end } = file.metadata;
      if (owner !== row["request-id"]) yield `FOREIGN: ${key} belongs to request ${owner}`;
      if (Number(items) !== file.lines.length)
        yield `CHAIN: ${key} has ${items} items in its metadata and ${file.lines.length} lines`;
      if (file.lines.length === 0 && end !== "true") yield `CHAIN: ${key} is empty and not the end`;
      ended = end === "true";
    }
  }
  for (const key of rest.keys()) yield `CHAIN: ${key} belongs to no chain`;
}

function extensionOf({ request }: TaskRow, { scenario }: Outcome): string {
  const compression = (request as { compression?: string }).compression ?? scenario.settings.compression;
  return compression === "zstd" ? "zst" : "gz";
}

/** Whether an archive is as it was when it was sealed. The summary's checksum can only be put after the summary. */
function sameContents(
  sealed: ReadonlyMap<string, string> | undefined,
  now: ReadonlyMap<string, string>,
): boolean {
  const rest = [...now].filter(([key]) => !key.endsWith("/manifest-summary.md5"));
  return sealed !== undefined && JSON.stringify([...sealed]) === JSON.stringify(rest);
}
