/**
 * One slice of a restore: its share of the manifest's files, from the cursor to where the time is up. The manifest
 * alone is trusted, never a listing.
 */
import { bucketOf, corrupt, readDataFile } from "../archive/chain.ts";
import type { Span } from "../archive/cutter.ts";
import { type Line, readLine } from "../archive/data-file.ts";
import { decodeFiles, type ManifestFile, total } from "../archive/manifest.ts";
import type { Counts, FerryEvent, RestorePlan, SegmentWork } from "../events.ts";
import type { Ports } from "../ports.ts";
import { completed, every, handedOff, progressed, shouldRun, sliceEndMs } from "../segment.ts";
import { shareOf } from "./share.ts";
import { openTableWriter } from "./table-writer.ts";

/** DynamoDB's limits for one BatchWriteItem are 25 writes and 16 MB; JSON may be larger than what it counts. */
const WRITES_PER_CALL = 25;
const BYTES_PER_CALL_MAX = 4 * 1024 * 1024;

/** What is written for sure: every line before it. */
interface Standing {
  file: number;
  line: number;
  counts: Counts;
}

/**
 * Works on a segment of a restore until it is done or the time is up. Returns how it ends; nothing where the task
 * needs it no more: a late duplicate would put old items over the application's new ones. Throws permanent errors.
 */
export async function sliceRestore(work: SegmentWork, ports: Ports): Promise<readonly FerryEvent[]> {
  const plan = work.plan as RestorePlan;
  if (!(await shouldRun(work, ports))) return [];
  const share = await readShare(work, plan, ports);
  const { cursor } = work;
  const standing: Standing = { file: 0, line: 0, ...("file" in cursor && cursor), counts: work.counts };
  const untilMs = sliceEndMs(ports);
  const lookDue = every(ports.settings.lookIntervalMs, ports);
  const reportDue = every(ports.settings.progressIntervalMs, ports);
  let look = Promise.resolve(true);
  const wanted = () => {
    if (lookDue()) look = shouldRun(work, ports);
    return look;
  };
  const writer = openTableWriter(plan, untilMs, wanted, ports);

  try {
    for (let index = standing.file; index < share.length && !writer.stopped(); index++)
      await writeFile(index, share[index]!, index === standing.file ? standing.line : 0);
  } finally {
    await writer.settle();
  }
  if (!(await look)) return [];
  if (standing.file === share.length) return [completed(work, standing.counts)];
  const at = {
    cursor: { file: standing.file, line: standing.line },
    counts: standing.counts,
    moved: standing.counts.items > work.counts.items || standing.file > ("file" in cursor ? cursor.file : 0),
    throttled: writer.throttled(),
  };
  return [handedOff(work, at, ports)];

  /** Sends a file's lines from `fromLine` on, as far as the writer takes them. */
  async function writeFile(index: number, listed: ManifestFile, fromLine: number): Promise<void> {
    const bucket = bucketOf(plan.request);
    const key = listed.dataFileS3Key;
    const file = await readDataFile(bucket, { key, items: listed.itemCount, md5: listed.md5Checksum }, ports);
    for (let from = fromLine; from < file.lines.length && !writer.stopped(); ) {
      const spans = nextCall(file.lines, from);
      const writes = spans.map((span) => readChecked(file.bytes, span));
      const upTo = from + spans.length;
      const bytes = spans.reduce((sum, span) => sum + span.end - span.start + 1, 0);
      await writer.write(writes, () => {
        const { batches, items } = standing.counts;
        standing.counts = { batches, items: items + spans.length, bytes: standing.counts.bytes + bytes };
        standing.line = upTo;
      });
      from = upTo;
      if (reportDue()) {
        const { file, line, counts } = standing;
        await ports.bus.put([progressed(work, { file, line }, counts)]);
      }
    }
    // A file is done when all that was sent of it has landed.
    await writer.settle();
    if (!writer.stopped()) {
      standing.file = index + 1;
      standing.line = 0;
      standing.counts = { ...standing.counts, batches: standing.counts.batches + 1 };
    }

    function readChecked(bytes: Uint8Array, span: Span): Line {
      try {
        return readLine(bytes, span);
      } catch (error) {
        throw corrupt(bucket, key, `holds a line that cannot be read: ${String(error)}`);
      }
    }
  }
}

/** The lines of the next call: at most 25, and not too many bytes. */
function nextCall(lines: readonly Span[], from: number): readonly Span[] {
  let upTo = from;
  let bytes = 0;
  do {
    const span = lines[upTo++]!;
    bytes += span.end - span.start;
  } while (upTo < lines.length && upTo - from < WRITES_PER_CALL && bytes < BYTES_PER_CALL_MAX);
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
