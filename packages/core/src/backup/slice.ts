/**
 * One slice of a backup: from where the archive stands to where the time is up.
 */
import { adopt, type Position, readChain, start } from "../archive/chain.ts";
import type { BackupPlan, Cursor, FerryEvent, SegmentWork } from "../events.ts";
import type { Ports } from "../ports.ts";
import { completed, every, handedOff, progressed, shouldRun, sliceEndMs } from "../segment.ts";
import { openScanner } from "./scanner.ts";
import { openWriter } from "./writer.ts";

/**
 * Works on a segment of a backup until it is done or the time is up. Returns how it ends; nothing where the task
 * needs it no more. Throws permanent errors: the segment's failure.
 */
export async function sliceBackup(work: SegmentWork, ports: Ports): Promise<readonly FerryEvent[]> {
  const plan = work.plan as BackupPlan;
  const from = await standing(work, plan, ports);
  // What is complete is complete, even if it was cancelled meanwhile.
  if (from.ended) return [completed(work, from.counts)];
  if (!(await shouldRun(work, ports))) return [];

  const untilMs = sliceEndMs(ports);
  const reportDue = every(ports.settings.progressIntervalMs, ports);
  const scanner = openScanner(plan, work.segment, from.after, untilMs, ports);
  const writer = openWriter(work, plan, from, ports);
  try {
    while (!writer.position().ended) {
      const page = await scanner.next();
      if (page === undefined) break;
      const taken = await writer.take(page, untilMs);
      if (!taken && !writer.position().ended) await scanner.restart(writer.position().after);
      if (reportDue()) {
        await ports.bus.put([progressed(work, cursorOf(writer.position()), writer.position().counts)]);
        if (!(await shouldRun(work, ports))) return [];
      }
    }
    await writer.flush();
  } finally {
    writer.discard();
    await scanner.settle();
  }

  const position = writer.position();
  if (position.ended) return [completed(work, position.counts)];
  const moved = position.batch > from.batch;
  const at = { cursor: cursorOf(position), counts: position.counts, moved, throttled: scanner.throttled() };
  return [handedOff(work, at, ports)];
}

/** Where the segment stands: the message's position, moved on behind what the archive holds. */
async function standing(work: SegmentWork, plan: BackupPlan, ports: Ports): Promise<Position> {
  const { cursor } = work;
  const known: Position = "batch" in cursor ? { ...cursor, counts: work.counts, ended: false } : start;
  return adopt(known, await readChain(plan, work.segment, known.batch, ports), plan, ports);
}

function cursorOf(position: Position): Cursor {
  const { batch, after } = position;
  return { batch, ...(after !== undefined && { after }) };
}
