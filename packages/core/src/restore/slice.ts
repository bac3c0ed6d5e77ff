/**
 * One slice of a restore: its share of the manifest's files, from the cursor to where the time is up. The manifest
 * alone is trusted, never a listing.
 */
import { bucketOf, corrupt, readDataFile } from "../archive/chain.ts";
import type { Span } from "../archive/cutter.ts";
import { type Line, readLine } from "../archive/data-file.ts";
import { decodeFiles, type ManifestFile, total } from "../archive/manifest.ts";
import type { FerryEvent, RestorePlan, SegmentWork } from "../events.ts";
import type { Ports } from "../ports.ts";
import {
  completed,
  every,
  handedOff,
  leftMs,
  openWatch,
  progressed,
  type Standing,
  sliceEndMs,
} from "../segment.ts";
import { refuseReplaced } from "../table-identity.ts";
import { shareOf } from "./share.ts";
import { openTableWriter, unitsOf } from "./table-writer.ts";

/** DynamoDB's limits for one BatchWriteItem are 25 writes and 16 MB; JSON may be larger than what it counts. */
const WRITES_PER_CALL = 25;
const BYTES_PER_CALL_MAX = 4 * 1024 * 1024;

/**
 * Works on a segment of a restore until it is done or the time is up. Returns how it ends; nothing where the task
 * needs it no more: a late duplicate would put old items over the application's new ones. `stands` hears what is
 * written for sure, each time that there is more. Throws permanent errors.
 */
export async function sliceRestore(
  work: SegmentWork,
  ports: Ports,
  stands: (standing: Standing) => void,
): Promise<readonly FerryEvent[]> {
  const plan = work.plan as RestorePlan;
  const watch = openWatch(work, ports);
  if (!(await watch.wanted())) return [];
  await refuseReplaced(plan, ports);
  const share = await readShare(work, plan, ports);
  const spacingMs = ports.settings.batchSpacingMs;
  let at = { file: 0, line: 0, ...("file" in work.cursor && work.cursor) };
  let { counts } = work;
  const standing = (): Standing => ({ cursor: at, counts });
  // The slice before this one ended with a file.
  if (at.file > 0 && at.line === 0 && spacingMs > 0) {
    const nextFileMs = ports.time.now() + Math.min(spacingMs, leftMs(ports));
    if (!(await watch.waitUntil(nextFileMs))) return [];
  }

  const untilMs = sliceEndMs(ports);
  const reportDue = every(ports.settings.progressIntervalMs, ports);
  const writer = openTableWriter(plan, { untilMs, watch }, ports);
  let spaced = true;
  try {
    for (let index = at.file; index < share.length && !writer.stopped() && spaced; index++) {
      await writeFile(share[index]!);
      spaced = await space(index + 1 < share.length);
    }
  } finally {
    await writer.close();
  }
  // What is complete is complete, even if it was cancelled meanwhile.
  if (at.file === share.length) return [completed(work, counts)];
  if (!(await watch.wanted())) return [];
  return [handedOff(work, standing(), writer.heldUp(), ports)];

  /** Sends the lines of the file at the cursor, as far as the writer takes them. */
  async function writeFile(listed: ManifestFile): Promise<void> {
    const bucket = bucketOf(plan.request);
    const key = listed.dataFileS3Key;
    const file = await readDataFile(bucket, { key, items: listed.itemCount, md5: listed.md5Checksum }, ports);
    for (let from = at.line; from < file.lines.length && !writer.stopped(); ) {
      const spans = nextCall(file.lines, from, writer.callUnitsMax());
      const writes = spans.map((span) => readChecked(file.bytes, span));
      const upTo = from + spans.length;
      const bytes = spans.reduce((sum, span) => sum + span.end - span.start + 1, 0);
      await writer.write(writes, () => {
        counts = { ...counts, items: counts.items + spans.length, bytes: counts.bytes + bytes };
        at = { ...at, line: upTo };
        stands(standing());
      });
      from = upTo;
      if (reportDue()) await ports.bus.put([progressed(work, standing())]);
    }
    // A file is done when all that was sent of it has landed.
    await writer.settle();
    if (writer.stopped()) return;
    at = { file: at.file + 1, line: 0 };
    counts = { ...counts, batches: counts.batches + 1 };
    stands(standing());

    function readChecked(bytes: Uint8Array, span: Span): Line {
      try {
        return readLine(bytes, span);
      } catch (error) {
        throw corrupt(bucket, key, `holds a line that cannot be read: ${String(error)}`);
      }
    }
  }

  /** Waits for the next file's time; false where it is the next slice's. */
  async function space(more: boolean): Promise<boolean> {
    if (!more || spacingMs === 0 || writer.stopped()) return true;
    const nextFileMs = ports.time.now() + spacingMs;
    return nextFileMs < untilMs && watch.waitUntil(nextFileMs);
  }
}

/** The lines of the next call: at most 25, not too many bytes, and no more than a turn of the ceiling holds. */
function nextCall(lines: readonly Span[], from: number, unitsMax: number): readonly Span[] {
  let upTo = from;
  let bytes = 0;
  let units = 0;
  do {
    const span = lines[upTo++]!;
    bytes += span.end - span.start;
    units += unitsOf(span.end - span.start);
  } while (
    upTo < lines.length &&
    upTo - from < WRITES_PER_CALL &&
    bytes < BYTES_PER_CALL_MAX &&
    units + unitsOf(lines[upTo]!.end - lines[upTo]!.start) <= unitsMax
  );
  return lines.slice(from, upTo);
}

async function readShare(work: SegmentWork, plan: RestorePlan, ports: Ports): Promise<ManifestFile[]> {
  const bucket = bucketOf(plan.request);
  const key = plan.manifest["files-key"];
  const stored = await ports.archive.get(bucket, key);
  if (stored === undefined) throw corrupt(bucket, key, "does not exist any more");
  const files = decodeFiles(stored.body);
  if (total(files) !== plan.manifest.items || files.length !== plan.manifest.files)
    throw corrupt(bucket, key, "is not the manifest that the restore was planned for");
  return shareOf(files, work.task["request-id"], work.segment, plan["total-segments"]);
}
