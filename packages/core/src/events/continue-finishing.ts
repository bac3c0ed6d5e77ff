/**
 * The continuation of a task's last step.
 */
import { type FerryEvent, type TaskFinishing, VERSION } from "./events.ts";

/** The event with which the next invocation continues the last step of a task. */
export function continueFinishing(finishing: TaskFinishing): FerryEvent {
  const { task, attempt, plan, counted, "settings-waits": waits, "checked-segments": checked } = finishing;
  return {
    type: "TaskFinishing",
    detail: {
      version: VERSION,
      task,
      attempt,
      "transferred-items": finishing["transferred-items"],
      "transferred-bytes": finishing["transferred-bytes"],
      plan: { S: JSON.stringify(plan) },
      ...(checked !== undefined && { "checked-segments": checked }),
      ...(counted !== undefined && { counted }),
      ...(waits !== undefined && { "settings-waits": waits }),
    },
  };
}
