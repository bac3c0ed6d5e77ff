/**
 * One slice of a restore: writes the segment's files from the cursor on, until the segment is complete or the time is up. Files
 * come only from the manifest, never from a listing.
 */

import type { Block } from "../archive/blocks.ts";
import { bucketOf } from "../archive/bucket.ts";
import type { Span } from "../archive/cutter.ts";
import { keyedPart, type Line, nextLine, readLine } from "../archive/data-file.ts";
import type { ManifestFile } from "../archive/file-list.ts";
import { openKeyFilter } from "../archive/key-filter.ts";
import { readPlannedFiles, readPlannedPart } from "../archive/manifest.ts";
import { readBlocks, readingLine, type VerifiedFile, verifyDataFile } from "../archive/stored-file.ts";
import type { KeySchema } from "../archive/table-settings.ts";
import { openCancellationCheck } from "../control/cancellation.ts";
import type { FerryEvent, MessageWith, RestorePlan, SegmentWork } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { type Checkpoint, handoffEvent, segmentCompleted, segmentProgressed } from "../segment/checkpoint.ts";
import { invocationLeftMs, progressTimer, sliceEndMs } from "../segment/slice-budget.ts";
import { openUsage } from "../segment/usage.ts";
import { refuseReplaced } from "../table/table-identity.ts";
import { assignFiles, inSeededOrder } from "./assign-files.ts";
import { openLineCheck, refusedLines } from "./line-check.ts";
import { openTableWriter, unitsOf } from "./table-writer.ts";
import { type RestoreWindow, windowOf } from "./windows.ts";

/** DynamoDB's limits for one BatchWriteItem are 25 writes and 16 MB; JSON may be larger than what it counts. */
const WRITES_PER_CALL = 25;
const BYTES_PER_CALL_MAX = 4 * 1024 * 1024;

/**
 * Works on a segment of a restore until it is complete or the time is up. Returns the event that ends the slice, or nothing if
 * the segment is no longer needed: a late duplicate would overwrite the application's new items with old ones. Calls
 * `onCheckpoint` each time that more is written. Throws a permanent error if the segment fails.
 */
export async function sliceRestore(
  work: MessageWith<RestorePlan, SegmentWork>,
  ports: Ports,
  onCheckpoint: (checkpoint: Checkpoint) => void,
): Promise<readonly FerryEvent[]> {
  const { plan } = work;
  const check = openCancellationCheck(work, ports);
  if (!(await check.stillNeeded())) return [];
  await refuseReplaced(plan, ports);
  const window = windowOf(plan, work.segment);
  const { manifest } = window;
  const files = await readAssignedFiles(work, window, ports);
  const spacingMs = ports.settings.batchSpacingMs;
  let at = { file: 0, line: 0, ...("file" in work.cursor && work.cursor) };
  let { counts } = work;
  const usage = openUsage(work, ports);
  // The previous slice ended with a complete file, so wait for the batch spacing. Half of the time is left to write: a slice without
  // progress would be repeated.
  if (at.file > 0 && at.line === 0 && spacingMs > 0) {
    const nextFileMs = ports.time.now() + Math.min(spacingMs, invocationLeftMs(ports) / 2);
    if (!(await check.waitUntil(nextFileMs))) return [];
  }

  const untilMs = sliceEndMs(ports);
  const reportDue = progressTimer(plan, ports);
  const { index } = window;
  const writer = openTableWriter(plan, { window: index, attempt: work.attempt, untilMs, check }, ports);
  const checkpoint = (): Checkpoint => ({ cursor: at, counts, usage: usage(writer.consumed()) });
  const bucket = bucketOf(plan.request);
  const keys = keysOf(plan);
  const { only } = plan.request;
  const isWanted = only && openKeyFilter(only, keys);
  let mayContinue = true;
  let outOfTime = false;
  try {
    for (let index = at.file; index < files.length && !writer.stopped() && mayContinue; index++) {
      await writeFile(files[index]!);
      if (outOfTime) break;
      mayContinue = await waitForSpacing(index + 1 < files.length);
    }
  } finally {
    await writer.close();
  }
  // A complete segment is reported as complete even if the task was cancelled.
  if (at.file === files.length) return [segmentCompleted(work, counts, checkpoint().usage)];
  if (!(await check.stillNeeded())) return [];
  return [handoffEvent(work, checkpoint(), writer.wasThrottled(), ports)];

  /** Sends the lines of the file at the cursor, until the writer stops. */
  async function writeFile(listed: ManifestFile): Promise<void> {
    const key = listed.dataFileS3Key;
    const recorded = { key, items: listed.itemCount, md5: listed.md5Checksum };
    const lineCheck = manifest.own
      ? undefined
      : openLineCheck({
          bucket,
          key,
          keys,
          items: listed.itemCount,
          kind: manifest.lines,
          reread: () => readBlocks(bucket, recorded, ports),
        });
    const file = await verifyDataFile(bucket, recorded, ports, shouldContinue, lineCheck);
    if (file === undefined) {
      outOfTime = true;
      return;
    }
    await writeLines(file, key);
    // A file is complete when all its writes have landed.
    await writer.settle();
    if (writer.stopped() || outOfTime) return;
    at = { file: at.file + 1, line: 0 };
    counts = { ...counts, batches: counts.batches + 1 };
    onCheckpoint(checkpoint());
  }

  /** Whether the verification of a large file should continue. */
  async function shouldContinue(): Promise<boolean> {
    return ports.time.now() < untilMs && (await check.stillNeeded());
  }

  /** Sends the wanted lines of a file from the cursor on. A call may span blocks. */
  async function writeLines(file: VerifiedFile, key: string): Promise<void> {
    const from = at.line;
    let call = emptyCall(from);
    for await (const block of file.blocksFrom(from)) {
      // Unwanted lines are not sent, so the writer does not check the time. Each block moves the cursor.
      if (isWanted !== undefined && call.upTo > from) {
        await send(call, key, file);
        outOfTime = !(await shouldContinue());
        if (outOfTime || writer.stopped()) return;
        call = emptyCall(call.upTo);
      }
      const next = { at: 0, line: block.firstLine };
      while (!fill(call, block, next, from, key)) {
        await send(call, key, file);
        if (writer.stopped()) return;
        call = emptyCall(call.upTo);
      }
    }
    if (call.upTo > call.from) await send(call, key, file);
  }

  /**
   * Adds wanted lines of a block to a call, from `next` on, which is a line's place in the block and its number from 0. Returns
   * whether it reached the end of the block; otherwise the call is full. It is not a part of `writeLines`: V8 hardly optimizes
   * a loop in an async function.
   */
  function fill(
    call: Call,
    { bytes, ends, firstLine }: Block,
    next: { at: number; line: number },
    from: number,
    key: string,
  ): boolean {
    const unitsMax = writer.callUnitsMax();
    const lineAfter = (at: number) => nextLine(bytes, at, ends[next.line - firstLine]);
    // The spans are not collected: ten thousand objects that live as long as a block burden the garbage collector.
    for (let span = lineAfter(next.at); span !== undefined; span = lineAfter(span.end)) {
      const number = next.line + 1;
      if (number > from) {
        if (isWanted !== undefined) {
          const matches = () => isWanted(keyedPart(bytes, span, manifest.lines));
          if (!readingLine(bucket, key, number, matches)) {
            call.unwantedBytes += span.end - span.start;
            call.upTo++;
            next.line = number;
            continue;
          }
        }
        if (isFull(call, span, unitsMax)) {
          next.at = span.start;
          return false;
        }
        call.writes.push(readingLine(bucket, key, number, readLine, bytes, span, manifest.lines));
        call.numbers.push(number);
        call.bytes += span.end - span.start;
        call.units += unitsOf(span.end - span.start);
        call.upTo++;
      }
      next.line = number;
    }
    return true;
  }

  async function send(call: Call, key: string, file: VerifiedFile): Promise<void> {
    const { writes, numbers, from, upTo } = call;
    const report = (error: unknown) => refusedLines(error, { bucket, key, keys }, numbers, writes);
    const landed = (skipped: number) => {
      const lines = upTo - from;
      counts = {
        ...counts,
        items: counts.items + lines,
        // Each line also has a line feed.
        bytes: counts.bytes + call.bytes + call.unwantedBytes + lines,
        ...(skipped > 0 && { skipped: (counts.skipped ?? 0) + skipped }),
        ...(isWanted !== undefined && { matched: (counts.matched ?? 0) + writes.length }),
      };
      at = { ...at, line: upTo };
      file.release(upTo);
      onCheckpoint(checkpoint());
    };
    await writer.write(writes, landed, report);
    if (reportDue()) await ports.bus.put([segmentProgressed(work, checkpoint())]);
  }

  /** Waits for the batch spacing; returns false if the next file belongs to the next slice. */
  async function waitForSpacing(more: boolean): Promise<boolean> {
    if (!more || spacingMs === 0 || writer.stopped()) return true;
    const nextFileMs = ports.time.now() + spacingMs;
    return nextFileMs < untilMs && check.waitUntil(nextFileMs);
  }
}

/** The lines of one call, and the unwanted lines between them. */
interface Call {
  readonly writes: Line[];
  /** The number of each line that is written, from 1. */
  readonly numbers: number[];
  /** The bytes of the lines that are written. */
  bytes: number;
  /** The bytes of the unwanted lines. */
  unwantedBytes: number;
  /** The sum of `unitsOf` over the lines that are written. */
  units: number;
  /** The number of its first line, from 0. */
  readonly from: number;
  /** The number of the line after its last line. */
  upTo: number;
}

function emptyCall(from: number): Call {
  return { writes: [], numbers: [], bytes: 0, unwantedBytes: 0, units: 0, from, upTo: from };
}

/** Whether another line does not fit into a call: by count, by bytes, or by the units of one reservation. */
function isFull(call: Call, { start, end }: Span, unitsMax: number): boolean {
  if (call.writes.length === 0) return false;
  return (
    call.writes.length === WRITES_PER_CALL ||
    call.bytes + end - start > BYTES_PER_CALL_MAX ||
    call.units + unitsOf(end - start) > unitsMax
  );
}

/** The destination table's key schema. */
function keysOf({ table }: RestorePlan): KeySchema {
  return table.keys.map((name, i) => ({ name, type: table["key-types"][i] ?? "?" }));
}

/** The segment's files, in the order in which they are written: the same at each call. */
async function readAssignedFiles(
  { plan, task, segment }: MessageWith<RestorePlan, SegmentWork>,
  { manifest, first, segments }: RestoreWindow,
  ports: Ports,
): Promise<readonly ManifestFile[]> {
  const bucket = bucketOf(plan.request);
  const seed = task["request-id"];
  const { list } = manifest;
  if (list === undefined)
    return assignFiles(await readPlannedFiles(bucket, manifest, ports), seed, segment - first, segments);
  const part = { index: segment - first, parts: segments };
  return inSeededOrder(await readPlannedPart(bucket, { ...manifest, list }, part, ports), seed);
}
