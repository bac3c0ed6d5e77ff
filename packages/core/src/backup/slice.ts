/**
 * One slice of a backup: from where the archive stands to where the time is up.
 */
import { adopt, type Position, readChain, start } from "../archive/chain.ts";
import type { BackupPlan, FerryEvent, SegmentWork } from "../events.ts";
import type { Ports } from "../ports.ts";
import { completed, every, handedOff, openWatch, progressed, type Standing, sliceEndMs } from "../segment.ts";
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
  stands: (standing: Standing) => void,
): Promise<readonly FerryEvent[]> {
  const plan = work.plan as BackupPlan;
  const from = await found(work, plan, ports);
  stands(standingOf(from));
  // What is complete is complete, even if it was cancelled meanwhile.
  if (from.ended) return [completed(work, from.counts)];
  const watch = openWatch(work, ports);
  if (!(await watch.wanted())) return [];

  const about = { untilMs: sliceEndMs(ports), watch };
  const reportDue = every(ports.settings.progressIntervalMs, ports);
  const scanner = openScanner(plan, work.segment, from.after, about, ports);
  // Nobody must go on behind a chain's end, nor would it be found from there: it is completed, or found again.
  const moved = (position: Position) => {
    if (!position.ended) stands(standingOf(position));
  };
  const writer = openWriter(work, plan, from, { ...about, moved }, ports);
  try {
    for (;;) {
      const page = await scanner.next();
      if (page === undefined) break;
      const taken = await writer.take(page);
      if (writer.position().ended) break;
      if (writer.unwanted()) return [];
      if (!taken) await scanner.restart(writer.position().after);
      if (reportDue()) await ports.bus.put([progressed(work, standingOf(writer.position()))]);
    }
    if (!writer.position().ended) {
      if (!(await watch.wanted())) return [];
      await writer.flush();
      if (writer.unwanted()) return [];
    }
  } finally {
    writer.discard();
    await scanner.close();
  }

  const position = writer.position();
  if (position.ended) return [completed(work, position.counts)];
  return [handedOff(work, standingOf(position), scanner.heldUp(), ports)];
}

/** Where the segment stands: the message's position, moved on behind what the archive holds. */
async function found(work: SegmentWork, plan: BackupPlan, ports: Ports): Promise<Position> {
  const { cursor } = work;
  const known: Position = "batch" in cursor ? { ...cursor, counts: work.counts, ended: false } : start;
  return adopt(known, await readChain(plan, work.segment, known.batch, ports), plan, ports);
}

function standingOf({ batch, after, counts }: Position): Standing {
  return { cursor: { batch, ...(after !== undefined && { after }) }, counts };
}
