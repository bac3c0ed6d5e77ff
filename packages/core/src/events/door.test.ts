/**
 * An event of any shape from a caller is accepted or rejected with reasons: nothing is thrown, and each resulting event
 * can be put.
 */

import { backupRequest, message, source, world } from "@ferry/memory/testing/tasks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRequest } from "../request/request.ts";
import { identify } from "../request/task.ts";
import { work } from "../worker.ts";
import type { FerryEvent } from "./events.ts";

const deep = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels)) as unknown;
const names = [
  ...Object.keys(backupRequest),
  "total-segments",
  "batch-bytes",
  "restore-mode",
  "kms-key-id",
  "__proto__",
  "constructor",
  "",
];
const value = fc.oneof(fc.jsonValue(), fc.constantFrom(deep(33), deep(6000), deep(100_000)));
const request = fc.oneof(
  value,
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 }),
  fc
    .dictionary(fc.constantFrom(...names), value, { maxKeys: 2 })
    .map((some) => ({ ...backupRequest, ...some })),
);
const deepText = "[".repeat(100_000) + "]".repeat(100_000);
/** The text of a message: JSON.stringify cannot write deep values. */
const text = fc.oneof(
  fc
    .dictionary(fc.constantFrom(...names), fc.jsonValue(), { maxKeys: 2 })
    .map((some) => JSON.stringify({ ...backupRequest, ...some })),
  fc.jsonValue().map((one) => JSON.stringify(one)),
  fc.constantFrom(deepText, '{"action":"restore"}', `{"action":"restore","x":${deepText}}`),
);

test("a request of any shape is parsed, or has issues with messages", () =>
  fc.assert(
    fc.property(request, (input) => {
      const parsed = parseRequest(input, {
        requestTimeMs: 1_793_498_400_000,
        maximumSegments: 1000,
        compression: "gzip",
      });
      if (!("issues" in parsed)) return;
      expect(parsed.issues.length).toBeGreaterThan(0);
      for (const issue of parsed.issues) expect(issue.message.length).toBeGreaterThan(0);
      JSON.stringify(parsed);
    }),
  ));

/** The events that result from a request's detail, as JSON. */
async function put(detail: unknown): Promise<FerryEvent[]> {
  const ports = world();
  ports.tables.put(source, '{"id":{"S":"a"}}');
  const events = await work(message("TaskRequested", detail, "TaskRejected"), ports);
  return JSON.parse(JSON.stringify(events)) as FerryEvent[];
}

test("a TaskRequested of any shape is accepted or rejected", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        value,
        fc.record({ request, "request-id": value, "request-time": value }, { requiredKeys: [] }),
        fc.tuple(text, text, value).map(([body, id, time]) => ({
          eventSource: "aws:sqs",
          messageId: "m",
          body: `{"request":${body},"request-id":${id}}`,
          attributes: { SentTimestamp: time },
        })),
        text.map((body) => ({ eventSource: "aws:sqs", messageId: "m", body })),
        fc.string().map((body) => ({ eventSource: "aws:sqs", messageId: "m", body })),
      ),
      async (detail) => {
        const [event] = await put(detail);
        const forwarded =
          identify(detail, { id: "e", time: "" }).action === "restore" ? ["TaskRequested"] : [];
        expect(["TaskAccepted", "TaskRejected", ...forwarded]).toContain(event!.type);
      },
    ),
    { numRuns: 60 },
  ));

describe("the rejection of a request names field and value", () => {
  test.each([
    ["in seconds instead of ms", 1_793_498_400, "1793498400"],
    ["beyond the range of a date", 8.7e15, "8700000000000000"],
    ["of 1970", 0, "got 0"],
  ])("if its request-time is %s", async (_, time, got) => {
    const events = await put({ request: backupRequest, "request-time": time });
    expect(events).toMatchObject([
      {
        type: "TaskRejected",
        detail: {
          cause: "invalid-request",
          task: { key: "us-east-1-cities" },
          error: { issues: [{ field: "request-time", message: expect.stringContaining(got) }] },
        },
      },
    ]);
  });

  test("if a field is nested 6,000 levels deep, in an event without the lower levels", async () => {
    const events = await put({ request: { ...backupRequest, "total-segments": deep(6000) } });
    expect(events).toMatchObject([
      {
        type: "TaskRejected",
        detail: { cause: "invalid-request", error: { issues: [{ field: "total-segments" }] } },
      },
    ]);
    expect(JSON.stringify(events)).toContain("nested too deeply");
    expect(JSON.stringify(events).length).toBeLessThan(5000);
  });

  test("if the fields of its key are too long together", async () => {
    const region = `eu-${"w".repeat(1900)}-1`;
    const [event] = await put({ request: { ...backupRequest, "table-region": region } });
    expect(event).toMatchObject({
      type: "TaskRejected",
      detail: {
        cause: "invalid-request",
        error: {
          issues: [
            { field: "request", message: "The fields that form the key of its row are too long together" },
          ],
        },
      },
    });
  });
});
