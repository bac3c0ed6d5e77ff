/**
 * One slice of a backup: continues after the files that are stored, until the segment is complete or the time is up.
 */
import { adopt, type Position, readChain, start } from "../archive/chain.ts";
import { hasIndex, putIndex } from "../archive/chain-index.ts";
import { openCancellationCheck } from "../control/cancellation.ts";
import type { BackupPlan, FerryEvent, MessageWith, SegmentWork } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { type Checkpoint, handoffEvent, segmentCompleted, segmentProgressed } from "../segment/checkpoint.ts";
import { segmentName } from "../segment/segment-name.ts";
import { invocationLeftMs, progressTimer, sliceEndMs } from "../segment/slice-budget.ts";
import { type Consumed, openUsage } from "../segment/usage.ts";
import { refuseReplaced } from "../table/table-identity.ts";
import { openScanner } from "./scanner.ts";
import { openWriter } from "./writer.ts";

/** How long reading a chain may take for each file, ms: many are read at once. */
const READ_MS_PER_FILE = 5;

/**
 * Works on a segment of a backup until it is complete or the time is up. Returns the event that ends the slice, or nothing if
 * the segment is no longer needed. Calls `onCheckpoint` each time that more is stored. Throws a permanent error if the
 * segment fails.
 */
export async function sliceBackup(
  work: MessageWith<BackupPlan, SegmentWork>,
  ports: Ports,
  onCheckpoint: (checkpoint: Checkpoint) => void,
): Promise<readonly FerryEvent[]> {
  const { plan } = work;
  const usage = openUsage(work, ports);
  const from = await findPosition(work, plan, ports);
  let consumed: (() => Consumed) | undefined;
  const checkpointOf = ({ batch, after, counts }: Position): Checkpoint => ({
    cursor: { batch, ...(after !== undefined && { after }) },
    counts,
    usage: usage(consumed?.()),
  });
  // Never checkpoint past the last file: a successor that lists from there would miss its `end` mark.
  let open: Position | undefined;
  const onPosition = (position: Position) => {
    if (position.ended) return;
    open = position;
    onCheckpoint(checkpointOf(position));
  };
  onPosition(from);
  // A complete segment is reported as complete even if the task was cancelled.
  if (from.ended) return completed(from);
  const check = openCancellationCheck(work, ports);
  if (!(await check.stillNeeded())) return [];
  await refuseReplaced(plan, ports);

  const options = { untilMs: sliceEndMs(ports), check };
  const reportDue = progressTimer(plan, ports);
  const scanner = openScanner(plan, work.segment, from.after, options, ports);
  consumed = scanner.consumed;
  const writer = openWriter(work, plan, from, { ...options, onPosition }, ports);
  try {
    for (;;) {
      const page = await scanner.next();
      if (page === undefined) break;
      const taken = await writer.take(page);
      if (writer.position().ended) break;
      if (taken === "cancelled") return [];
      if (taken !== "taken") await scanner.restart(writer.position().after);
      if (reportDue()) await ports.bus.put([segmentProgressed(work, checkpointOf(writer.position()))]);
    }
    if (!writer.position().ended) {
      if (!(await check.stillNeeded())) return [];
      if ((await writer.flush()) === "cancelled") return [];
    }
  } finally {
    await writer.discard();
    await scanner.close();
  }

  const position = writer.position();
  if (position.ended) return completed(position);
  return [handoffEvent(work, checkpointOf(position), scanner.wasThrottled(), ports)];

  /** Puts the index of the complete chain, and reports the segment. */
  async function completed({ batch, counts }: Position): Promise<readonly FerryEvent[]> {
    // Table ids are unique: if the planned table exists after the last read, all reads were of that table.
    await refuseReplaced(plan, ports);
    const isFound = open === undefined && (await hasIndex(plan, work.segment, ports));
    // The next slice begins with all of its time, and finds the end of the chain.
    if (open !== undefined && invocationLeftMs(ports) < batch * READ_MS_PER_FILE)
      return [handoffEvent(work, checkpointOf(open), false, ports)];
    // A chain without an end was wiped since: the slice runs again, and finds what is left.
    if (!isFound && !(await putIndex(plan, work.segment, ports)))
      throw new Error(`${segmentName(work)} ended, and its last file is gone`);
    return [segmentCompleted(work, counts, usage(consumed?.()))];
  }
}

/** The segment's position: the message's position, advanced past the files that are stored after it. */
async function findPosition(work: SegmentWork, plan: BackupPlan, ports: Ports): Promise<Position> {
  const { cursor } = work;
  const known: Position = "batch" in cursor ? { ...cursor, counts: work.counts, ended: false } : start;
  return adopt(known, await readChain(plan, work.segment, known.batch, ports), plan, ports);
}
