/**
 * One slice of a backup: from where the archive stands to where the time is up.
 */
import { adopt, type Position, readChain, start } from "../archive/chain.ts";
import { openCancellationCheck } from "../cancellation.ts";
import { type Checkpoint, handoffEvent, segmentCompleted, segmentProgressed } from "../checkpoint.ts";
import type { BackupPlan, FerryEvent, SegmentWork } from "../events.ts";
import type { Ports } from "../ports.ts";
import { intervalTimer, sliceEndMs } from "../slice-budget.ts";
import { refuseReplaced } from "../table-identity.ts";
import { openScanner } from "./scanner.ts";
import { openWriter } from "./writer.ts";

/**
 * Works on a segment of a backup until it is done or the time is up. Returns how it ends; nothing where the task
 * needs it no more. `stands` hears what is stored, each time that there is more. Throws permanent errors: the segment's
 * failure.
 */
export async function sliceBackup(
  work: SegmentWork,
  ports: Ports,
  stands: (standing: Checkpoint) => void,
): Promise<readonly FerryEvent[]> {
  const plan = work.plan as BackupPlan;
  const from = await found(work, plan, ports);
  // Never tell a position behind the end file: a successor that lists from there would miss the `end` mark.
  const moved = (position: Position) => {
    if (!position.ended) stands(standingOf(position));
  };
  moved(from);
  // A complete segment stays complete, even if the task was cancelled meanwhile.
  if (from.ended) return completedIfSameTable(from);
  const watch = openCancellationCheck(work, ports);
  if (!(await watch.stillNeeded())) return [];
  await refuseReplaced(plan, ports);

  const about = { untilMs: sliceEndMs(ports), watch };
  const reportDue = intervalTimer(ports.settings.progressIntervalMs, ports);
  const scanner = openScanner(plan, work.segment, from.after, about, ports);
  const writer = openWriter(work, plan, from, { ...about, moved }, ports);
  try {
    for (;;) {
      const page = await scanner.next();
      if (page === undefined) break;
      const taken = await writer.take(page);
      if (writer.position().ended) break;
      if (taken === "cancelled") return [];
      if (taken !== "taken") await scanner.restart(writer.position().after);
      if (reportDue()) await ports.bus.put([segmentProgressed(work, standingOf(writer.position()))]);
    }
    if (!writer.position().ended) {
      if (!(await watch.stillNeeded())) return [];
      if ((await writer.flush()) === "cancelled") return [];
    }
  } finally {
    writer.discard();
    await scanner.close();
  }

  const position = writer.position();
  if (position.ended) return completedIfSameTable(position);
  return [handoffEvent(work, standingOf(position), scanner.heldUp(), ports)];

  /** An id never comes back: the planned table being there after the last read, every read before was of that table. */
  async function completedIfSameTable({ counts }: Position): Promise<readonly FerryEvent[]> {
    await refuseReplaced(plan, ports);
    return [segmentCompleted(work, counts)];
  }
}

/** Where the segment stands: the message's position, moved on behind what the archive holds. */
async function found(work: SegmentWork, plan: BackupPlan, ports: Ports): Promise<Position> {
  const { cursor } = work;
  const known: Position = "batch" in cursor ? { ...cursor, counts: work.counts, ended: false } : start;
  return adopt(known, await readChain(plan, work.segment, known.batch, ports), plan, ports);
}

function standingOf({ batch, after, counts }: Position): Checkpoint {
  return { cursor: { batch, ...(after !== undefined && { after }) }, counts };
}
