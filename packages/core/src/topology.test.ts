import { expect, test } from "vitest";
import { queues, routes } from "./topology.ts";

/** The failure event of a message whose attempts ran out. Without it, the task would stay running, or the request be lost. */
const failsAs: Readonly<Record<string, string>> = {
  TaskRequested: "TaskRejected",
  TaskRetryRequested: "TaskStepFailed",
  TaskAccepted: "TaskStepFailed",
  TaskFinishing: "TaskStepFailed",
  SegmentQueued: "SegmentFailed",
  SegmentProgressed: "SegmentFailed",
};

test.each(Object.entries(routes).filter(([, route]) => queues[route.queue].deadLetters === "redrive-queue"))(
  "the failure of a message of the route %s has the type for its event",
  (_, route) => {
    const types = route.pattern["detail-type"] as readonly string[];
    expect(types.map((type) => failsAs[type])).toEqual([route.failsAs]);
  },
);

test("each route matches only Ferry's source, unless its type is a request of callers", () => {
  for (const { pattern } of Object.values(routes)) {
    const isCallers = (pattern["detail-type"] as readonly string[]).every((type) =>
      type.endsWith("Requested"),
    );
    expect(isCallers || JSON.stringify(pattern["source"]) === '["ferry"]').toBe(true);
  }
});
