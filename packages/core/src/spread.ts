/**
 * The step between a plan and its segments: it validates nothing again.
 */
import { type FerryEvent, noCounts, type TaskAccepted } from "./events.ts";

/** One `SegmentQueued` for each segment of this attempt. */
export function spread(accepted: TaskAccepted): readonly FerryEvent[] {
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
      cursor: task.action === "backup" ? { batch: 0 } : { file: 0, line: 0 },
      counts: noCounts,
      "idle-hops": 0,
    },
  }));
}
