import { eventTypes } from "@ferry/client/events/event-summary";
import { eventPages } from "@ferry/core/testing/event-examples";
import { expect, test } from "vitest";
import { eventLines } from "./event-lines.ts";

const eventOf = (type: (typeof eventTypes)[number]) => ({
  id: "e1",
  time: "2026-11-23T02:00:05Z",
  source: "ferry",
  "detail-type": type,
  detail: eventPages[type].example,
});

test("without a terminal each event is one line, with its date and the whole id", () => {
  for (const type of eventTypes) expect(eventLines(eventOf(type), undefined)).toHaveLength(1);
  expect(eventLines(eventOf("TaskAccepted"), undefined)).toEqual([
    "2026-11-23 02:00:05  TaskAccepted         us-east-1-orders@1795399200123-6f2d1c0b9a8e7f65  backup, attempt 1, 2 segments",
  ]);
});

test.each([60, 80, 120, 200])("at %i columns no line is longer, and no word is lost", (width) => {
  for (const type of eventTypes) {
    const lines = eventLines(eventOf(type), width);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    const [whole] = eventLines(eventOf(type), undefined);
    const words = whole!.replace(/^\S+ /, "").split(/\s+/);
    for (const word of words) expect(lines.join(" ")).toContain(word.replace(/-[0-9a-f]{16}$/, ""));
  }
});

test("at 80 columns the time has no date and the id no digest, and what does not fit is indented below", () => {
  expect(eventLines(eventOf("TaskFinished"), 80)).toEqual([
    "02:00:05  TaskFinished         us-east-1-orders@1795399200123  8,400 items",
  ]);
  expect(eventLines(eventOf("TaskAccepted"), 80)).toEqual([
    "02:00:05  TaskAccepted         us-east-1-orders@1795399200123",
    "          backup, attempt 1, 2 segments",
  ]);
  expect(eventLines(eventOf("TaskAccepted"), 50)).toEqual([
    "02:00:05  TaskAccepted",
    "          us-east-1-orders@1795399200123 backup,",
    "          attempt 1, 2 segments",
  ]);
});
