import { pipes } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { compilePipeTarget } from "./pipe-target.ts";
import type { EventEnvelope } from "./put-events.ts";
import { readPutEvents } from "./put-events.ts";
import { toRecord } from "./queue-pipe.ts";

/** The events that a Pipe of the topology puts for a queue's message. */
function emitted(pipe: string, body: string): readonly EventEnvelope[] {
  const events: EventEnvelope[] = [];
  const put = (region: string, input: unknown) => {
    const scope = { account: "0", region, nowMs: 0, newId: () => "id" };
    const { output, accepted } = readPutEvents(input, scope);
    events.push(...accepted.map(({ event }) => event));
    return output;
  };
  const message = {
    MessageId: "m1",
    ReceiptHandle: "r",
    Body: body,
    Attributes: { SentTimestamp: "1767225600123" },
  };
  compilePipeTarget(pipes[pipe]!, { name: "b", region: "us-east-1", put })(toRecord(message));
  return events;
}

test("requests: each message becomes an event that has it unchanged, whether it is JSON or not", () => {
  for (const body of ['{"action":"backup"}', "null", '"hello"', "hello", 'say "hello" \\ \n', ""])
    expect(emitted("requests", body)).toMatchObject([
      {
        source: "ferry",
        "detail-type": "TaskRequested",
        detail: {
          eventSource: "aws:sqs",
          messageId: "m1",
          body,
          attributes: { SentTimestamp: "1767225600123" },
        },
      },
    ]);
});

const dead = (message: object) => JSON.stringify(message);
const event = {
  id: "e1",
  time: "2026-01-01T00:00:00Z",
  "detail-type": "SegmentQueued",
  detail: { segment: 1 },
};

test("report-failures: failsAs of the message is the event's type", () => {
  expect(emitted("report-failures", dead({ failsAs: "SegmentFailed", event }))).toMatchObject([
    {
      "detail-type": "SegmentFailed",
      detail: {
        version: 1,
        cause: "attempts-exhausted",
        step: "SegmentQueued",
        work: { segment: 1 },
        "event-id": "e1",
        time: event.time,
      },
    },
  ]);
});

test("report-failures: a message without a valid failsAs is refused", () => {
  expect(() => emitted("report-failures", dead({ event }))).toThrow("not a string");
  expect(() => emitted("report-failures", dead({ failsAs: 1, event }))).toThrow("not a string");
  expect(() => emitted("report-failures", "hello")).toThrow("not a string");
});

test("report-failures: a message that would become another type of event is refused", () => {
  expect(() => emitted("report-failures", dead({ failsAs: "TaskSucceeded", event }))).toThrow(
    "the Pipe may put TaskRejected, SegmentFailed, TaskStepFailed, not TaskSucceeded",
  );
});

test("report-failures: a string that adds fields changes neither the cause nor the version", () => {
  const forged = { ...event, "detail-type": 'TaskRequested","cause":"archive-moved","version":2,"x":"' };
  expect(emitted("report-failures", dead({ failsAs: "SegmentFailed", event: forged }))).toMatchObject([
    { detail: { version: 1, cause: "attempts-exhausted" } },
  ]);
});

test("report-failures: a message without its event is refused", () => {
  // Without the event the template has no value for the work, and the detail is not JSON.
  expect(() => emitted("report-failures", dead({ failsAs: "SegmentFailed" }))).toThrow("MalformedDetail");
});
