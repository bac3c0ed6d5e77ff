import { type FerryEvent, type Plan, type TaskAccepted, VERSION } from "./events.ts";

/** The event by which an attempt of a task begins. `segments`: those to queue; by default all of the plan. */
export function taskAccepted(
  plan: Plan,
  attempt: number,
  deadlineMs: number,
  segments: readonly number[] = Array.from({ length: plan["total-segments"] }, (_, segment) => segment),
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
