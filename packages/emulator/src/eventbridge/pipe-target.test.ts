import { pipes } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { compileEmission } from "./pipe-target.ts";
import type { EventEnvelope } from "./put-events.ts";
import { readPutEvents } from "./put-events.ts";
import { toRecord } from "./queue-pipe.ts";

/** What a Pipe of the topology makes of a queue's message. */
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
  compileEmission(pipes[pipe]!, { name: "b", region: "us-east-1", put })(toRecord(message));
  return events;
}

test("requests: a message is a request under the message's id", () => {
  expect(emitted("requests", '{"action":"backup"}')).toMatchObject([
    {
      source: "ferry",
      "detail-type": "TaskRequested",
      detail: { request: { action: "backup" }, "request-id": "m1", "request-time": 1767225600123 },
    },
  ]);
});

test("requests: a number, a list or null is a request to be rejected", () => {
  for (const body of ["1", "[]", "null", "true"])
    expect(emitted("requests", body)[0]?.detail["request"]).toEqual(JSON.parse(body));
});

test("requests: a body that is no JSON, or a bare string, cannot be put", () => {
  expect(() => emitted("requests", "hello")).toThrow("MalformedDetail");
  expect(() => emitted("requests", '"hello"')).toThrow("MalformedDetail");
});

const dead = (message: object) => JSON.stringify(message);
const event = {
  id: "e1",
  time: "2026-01-01T00:00:00Z",
  "detail-type": "SegmentQueued",
  detail: { segment: 1 },
};

test("report-failures: the message names the event to say", () => {
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

test("report-failures: a message that names none, or is none, cannot be put", () => {
  expect(() => emitted("report-failures", dead({ event }))).toThrow("not a string");
  expect(() => emitted("report-failures", dead({ failsAs: 1, event }))).toThrow("not a string");
  expect(() => emitted("report-failures", "hello")).toThrow("not a string");
});

test("report-failures: what the template cannot hold is not put half", () => {
  // Without its event the work is missing, and the detail no JSON.
  expect(() => emitted("report-failures", dead({ failsAs: "SegmentFailed" }))).toThrow("MalformedDetail");
});
