/**
 * The step that queues the segments of an accepted task. It trusts the plan and validates nothing again.
 */

import { type FerryEvent, noCounts, type Resume, type TaskAccepted } from "../events/events.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** One `SegmentQueued` for each segment of this attempt. */
export function fanOut(accepted: TaskAccepted): readonly FerryEvent[] {
  const { version, task, plan, attempt } = accepted;
  return accepted.segments.map((segment) => ({
    type: "SegmentQueued",
    detail: {
      version,
      task,
      plan,
      attempt,
      "deadline-ms": accepted["deadline-ms"],
      segment,
      // A backup finds its position by reading its chain in the archive from the first file.
      ...(task.action === "backup"
        ? { cursor: { batch: 0 }, counts: noCounts }
        : resumed(accepted.resume?.[segment])),
      handoffs: 0,
      "handoffs-without-progress": 0,
    },
  }));
}

function resumed(resume: Resume | undefined): Checkpoint {
  if (resume === undefined) return { cursor: { file: 0, line: 0 }, counts: noCounts };
  const { file, line, ...counts } = resume;
  return { cursor: { file, line }, counts };
}
