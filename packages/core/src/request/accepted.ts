import { type FerryEvent, type Plan, type TaskAccepted, VERSION } from "../events/events.ts";
import { segmentsOf, windowsOf } from "../restore/windows.ts";

/** The event by which an attempt of a task begins. `segments`: those to queue; by default those of the first window, which are all unless it restores a series. */
export function taskAccepted(
  plan: Plan,
  attempt: number,
  deadlineMs: number,
  segments: readonly number[] = segmentsOf(windowsOf(plan)[0]!),
  resume?: TaskAccepted["resume"],
): FerryEvent {
  return {
    type: "TaskAccepted",
    detail: {
      version: VERSION,
      task: plan.task,
      plan,
      attempt,
      "deadline-ms": deadlineMs,
      segments,
      ...(resume !== undefined && { resume }),
    },
  };
}
