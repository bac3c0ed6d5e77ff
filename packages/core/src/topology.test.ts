import { expect, test } from "vitest";
import { queues, routes } from "./topology.ts";

/** What a dead message of each type becomes: without it, its task would hang, or its request vanish. */
const failsAs: Readonly<Record<string, string>> = {
  TaskRequested: "TaskRejected",
  TaskRetryRequested: "TaskStepFailed",
  TaskAccepted: "TaskStepFailed",
  TaskFinishing: "TaskStepFailed",
  SegmentQueued: "SegmentFailed",
  SegmentProgressed: "SegmentFailed",
};

test.each(Object.entries(routes).filter(([, route]) => queues[route.queue].deadLetters === "redrive-queue"))(
  "a dead message of %s is reported as what it was",
  (_, route) => {
    const types = route.pattern["detail-type"] as readonly string[];
    expect(types.map((type) => failsAs[type])).toEqual([route.failsAs]);
  },
);

test("every fact that a worker hears is Ferry's own to say", () => {
  for (const { pattern } of Object.values(routes)) {
    const asked = (pattern["detail-type"] as readonly string[]).every((type) => type.endsWith("Requested"));
    expect(asked || JSON.stringify(pattern["source"]) === '["ferry"]').toBe(true);
  }
});
