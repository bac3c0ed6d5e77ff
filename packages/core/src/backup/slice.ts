/**
 * One slice of a backup: continues after the files that are stored, until the segment is complete or the time is up.
 */
import { adopt, type Position, readChain, start } from "../archive/chain.ts";
import { openCancellationCheck } from "../control/cancellation.ts";
import type { BackupPlan, FerryEvent, SegmentWork } from "../events/events.ts";
import type { Ports } from "../ports.ts";
import { type Checkpoint, handoffEvent, segmentCompleted, segmentProgressed } from "../segment/checkpoint.ts";
import { progressTimer, sliceEndMs } from "../segment/slice-budget.ts";
import { type Consumed, openUsage } from "../segment/usage.ts";
import { refuseReplaced } from "../table/table-identity.ts";
import { openScanner } from "./scanner.ts";
import { openWriter } from "./writer.ts";

/**
 * Works on a segment of a backup until it is complete or the time is up. Returns the event that ends the slice, or nothing if
 * the segment is no longer needed. Calls `onCheckpoint` each time that more is stored. Throws a permanent error if the
 * segment fails.
 */
export async function sliceBackup(
  work: SegmentWork,
  ports: Ports,
  onCheckpoint: (checkpoint: Checkpoint) => void,
): Promise<readonly FerryEvent[]> {
  const plan = work.plan as BackupPlan;
  const usage = openUsage(work, ports);
  const from = await findPosition(work, plan, ports);
  let consumed: (() => Consumed) | undefined;
  const checkpointOf = ({ batch, after, counts }: Position): Checkpoint => ({
    cursor: { batch, ...(after !== undefined && { after }) },
    counts,
    usage: usage(consumed?.()),
  });
  // Never checkpoint past the last file: a successor that lists from there would miss its `end` mark.
  const onPosition = (position: Position) => {
    if (!position.ended) onCheckpoint(checkpointOf(position));
  };
  onPosition(from);
  // A complete segment is reported as complete even if the task was cancelled.
  if (from.ended) return completedIfSameTable(from);
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
  if (position.ended) return completedIfSameTable(position);
  return [handoffEvent(work, checkpointOf(position), scanner.wasThrottled(), ports)];

  /** Table ids are unique: if the planned table exists after the last read, all reads were of that table. */
  async function completedIfSameTable({ counts }: Position): Promise<readonly FerryEvent[]> {
    await refuseReplaced(plan, ports);
    return [segmentCompleted(work, counts, usage(consumed?.()))];
  }
}

/** The segment's position: the message's position, advanced past the files that are stored after it. */
async function findPosition(work: SegmentWork, plan: BackupPlan, ports: Ports): Promise<Position> {
  const { cursor } = work;
  const known: Position = "batch" in cursor ? { ...cursor, counts: work.counts, ended: false } : start;
  return adopt(known, await readChain(plan, work.segment, known.batch, ports), plan, ports);
}
